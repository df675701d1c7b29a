"""What people wrote beside the files of a repository, as documents: issues, pull requests, discussions, releases."""
