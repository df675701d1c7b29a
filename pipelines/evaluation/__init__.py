"""How well passages are found: questions with known answers, measures with their uncertainty, reports."""
