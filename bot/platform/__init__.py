"""All that differs by operating system: folders, modes, locks, signals, disk and memory.

PlatformError
├── DataFolderUnusable     it cannot be made, read or written
├── DataFolderInUse        another process holds it; says which
└── KeyInDataFolder        the key would lie beside what it protects
"""

from bot.platform.folders import (
    DataFolderUnusable,
    KeyInDataFolder,
    PlatformError,
    checkout_root,
    default_data_dir,
    installation_id,
    is_open_to_others,
    key_file,
    open_data_folder,
    packaged_docs,
    set_private_mode,
    write_private_file,
)
from bot.platform.lock import DataFolderInUse, DataFolderLock, Holder, holder_of
from bot.platform.machine import (
    allow_quick_restart,
    free_disk_bytes,
    give_back_memory,
    limit_memory_pools,
    on_stop_signals,
)

__all__ = [
    "DataFolderInUse",
    "DataFolderLock",
    "DataFolderUnusable",
    "Holder",
    "KeyInDataFolder",
    "PlatformError",
    "allow_quick_restart",
    "checkout_root",
    "default_data_dir",
    "free_disk_bytes",
    "give_back_memory",
    "holder_of",
    "installation_id",
    "is_open_to_others",
    "key_file",
    "limit_memory_pools",
    "on_stop_signals",
    "open_data_folder",
    "packaged_docs",
    "set_private_mode",
    "write_private_file",
]
