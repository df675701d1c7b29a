"""What the operator can change: settings, texts and prompts. Imports nothing of ours."""
