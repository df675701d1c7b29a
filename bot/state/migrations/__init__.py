"""The steps from each schema of the state database to the next. A revision's name is a number that only rises."""
