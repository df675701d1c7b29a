"""GitHub's API, also that of GitHub Enterprise: heads of many repositories, Apps, webhooks, threads."""
