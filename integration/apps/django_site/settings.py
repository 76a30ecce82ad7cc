"""A site as the Django tutorial leaves it: nothing here knows of walwrap, or of WAL mode."""

import os

SECRET_KEY = "for-a-demo-on-loopback-only"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["notes"]
ROOT_URLCONF = "notes.urls"
WSGI_APPLICATION = "wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SITE_DB", "db.sqlite3"),
    }
}
