"""`python app.py` serves; `app:app` is the WSGI application for other servers, and `flask --app app` has commands."""

import sys

if __name__ == "__main__":
    from digits.server.main import main

    main()
else:
    from digits.cli.export import export
    from digits.cli.move import move
    from digits.cli.sweep import sweep
    from digits.errors import StartError
    from digits.web import create_app

    try:
        app = create_app()
    except StartError as error:
        print(error, file=sys.stderr)
        sys.exit(3)  # Which tells gunicorn not to try again.
    for command in (export, move, sweep):
        app.cli.add_command(command)
