"""What can be wrong with the operator's settings.

ConfigError
├── UnknownSetting
├── WrongValue
└── UnreadableFile
"""


class ConfigError(Exception):
    """Settings that cannot be used; the text says what was expected, what came, and what to do."""


class UnknownSetting(ConfigError):
    """A key that no part of Roomwise reads, in a file or in the environment."""


class WrongValue(ConfigError):
    """A known key whose value has the wrong type or lies outside its range."""


class UnreadableFile(ConfigError):
    """A settings file or a secret's file that is missing, unreadable, or not TOML."""
