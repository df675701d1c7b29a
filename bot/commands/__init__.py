"""What people type in a room to steer the bot."""
