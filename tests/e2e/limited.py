"""A `roomwise` that can write no file beyond 600 kB, for test_bad_settings.py. Run as `python -m bot` is."""

import resource

from bot.__main__ import main

MOST_BYTES = 600_000

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY))
    main()
