"""``python -m classic_fer.cli``: the command where it is not installed."""

from classic_fer.cli import main

if __name__ == "__main__":
    main()
