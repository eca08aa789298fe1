"""`python app.py` serves; `app:app` is the WSGI application for other servers."""

if __name__ == "__main__":
    from digits.server.main import main

    main()
else:
    from digits.web import create_app

    app = create_app()
