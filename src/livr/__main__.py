"""`python -m livr` is `livr`."""

from livr.cli.main import main

if __name__ == "__main__":
    main()
