"""Every setting of the installation, read from the environment only; each is described in docs/settings.md.

A value that can't be understood stops the program with one line that names it.
"""

from __future__ import annotations

import os
import secrets
import urllib.parse
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tulia.config.data_dir import default_data_dir
from tulia.core import clock, failpoints


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def _number(name: str, default: int, *, lowest: int, highest: int) -> int:
    text = _text(name)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = lowest - 1
    if not lowest <= value <= highest:
        raise ImproperlyConfigured(f"{name} is {text!r}, and must be a whole number from {lowest} to {highest}.")
    return value


def _processors() -> int:
    """Those that this process may use, where the system tells; a container may have less than one of many."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):  # none such, or "max"
        return count


def _flag(name: str, *, default: bool) -> bool:
    text = _text(name).lower()
    if text in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if not text else text in ("1", "true", "yes", "on")
    raise ImproperlyConfigured(f"{name} is {text!r}, and must be true or false.")


_KEEPALIVES = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
_GIVEN_UP_MILLISECONDS = "20000"
# How long an act waits for a connection while all are in use or the database is away.
_POOL_SECONDS = 5


def _database(url: str, *, as_owner: bool) -> dict[str, Any]:
    """Django's form of a postgresql:// address.

    Unless migrating, every connection works as the role `tulia_app`, which owns nothing and is no superuser, so that
    row-level security holds for it, whoever the address logs in as.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/database.")
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL has a port that is no number.") from error
    query = dict(urllib.parse.parse_qsl(parts.query))
    name = urllib.parse.unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database: postgresql://user:password@host:5432/database.")
    user = urllib.parse.unquote(parts.username or "")
    options: dict[str, Any] = {key: value for key, value in query.items() if key not in ("host", "port")}
    options.setdefault("connect_timeout", "10")
    # A machine that vanishes says nothing: both ends give the other one up within 25 seconds, so that its locks go free.
    for parameter, value in (*_KEEPALIVES.items(), ("tcp_user_timeout", _GIVEN_UP_MILLISECONDS)):
        options.setdefault(parameter, value)
    # Statements are prepared by the driver after five uses; a plan for all tenants would be a bad plan for each.
    startup = ["-c", "plan_cache_mode=force_custom_plan", "-c", f"tcp_user_timeout={_GIVEN_UP_MILLISECONDS}"]
    for parameter, value in _KEEPALIVES.items():
        startup += ["-c", f"tcp_{parameter}={value}"]
    if not as_owner:
        if user != "tulia_app":
            startup += ["-c", "role=tulia_app"]
        options["pool"] = {"min_size": 0, "max_size": DATABASE_POOL_SIZE, "timeout": _POOL_SECONDS, "max_idle": 60}
    options["options"] = " ".join(startup)
    return {
        "ENGINE": "tulia.core.postgresql",
        "NAME": name,
        "USER": user,
        "PASSWORD": urllib.parse.unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": str(port or query.get("port") or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # the engine sees to it that no connection that ended is given out
        "ATOMIC_REQUESTS": False,
    }


def _secret_key(data_dir: Path) -> str:
    """TULIA_SECRET_KEY, else the key kept in the data directory (made the first time, readable by its owner only)."""
    given = _text("TULIA_SECRET_KEY")
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("TULIA_SECRET_KEY must have 32 characters or more.")
        return given
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            scratch = path.with_suffix(f".{os.getpid()}")
            scratch.touch(mode=0o600)
            scratch.write_text(secrets.token_urlsafe(48))
            try:
                os.link(scratch, path)  # fails when another process was quicker: then its key counts
            except FileExistsError:
                pass
            finally:
                scratch.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The secret key can't be kept in {data_dir}: {error.strerror}. Set TULIA_SECRET_KEY or TULIA_DATA_DIR."
        ) from error


DATA_DIR = Path(_text("TULIA_DATA_DIR") or default_data_dir())
SECRET_KEY = _secret_key(DATA_DIR)
DEBUG = False

PUBLIC_URL = _text("TULIA_PUBLIC_URL").rstrip("/")
SIMULATOR_URL = _text("TULIA_SIMULATOR_URL").rstrip("/")
LOG_LEVEL = _text("TULIA_LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    raise ImproperlyConfigured(f"TULIA_LOG_LEVEL is {LOG_LEVEL!r}, and must be DEBUG, INFO, WARNING or ERROR.")
WEB_PROCESSES = _number("TULIA_WEB_PROCESSES", min(4, _processors()), lowest=1, highest=8)
DATABASE_POOL_SIZE = _number("TULIA_DATABASE_POOL_SIZE", 16, lowest=4, highest=100)
SEND_TIMEOUT_SECONDS = _number("TULIA_SEND_TIMEOUT_SECONDS", 30, lowest=1, highest=300)
MAX_IMPORT_BYTES = _number("TULIA_MAX_IMPORT_MB", 2_048, lowest=1, highest=1_000_000) * 1024 * 1024
CALLBACKS_KEPT_MONTHS = _number("TULIA_CALLBACKS_KEPT_MONTHS", 0, lowest=0, highest=1_200)
API_RATE_PER_SECOND = _number("TULIA_API_RATE_PER_SECOND", 300, lowest=0, highest=100_000)
API_BURST = _number("TULIA_API_BURST", 600, lowest=1, highest=1_000_000)
API_FAILURES_PER_MINUTE = _number("TULIA_API_FAILURES_PER_MINUTE", 300, lowest=0, highest=1_000_000)
TENANTS_MAY_SET_BASE_URL = _flag("TULIA_TENANTS_MAY_SET_BASE_URL", default=False)
WEBHOOKS_MAY_BE_LOCAL = _flag("TULIA_WEBHOOKS_MAY_BE_LOCAL", default=False)
IS_SECURE = PUBLIC_URL.startswith("https://")

# The two that torture an installation (docs/torture.md), in force from here on in whatever process reads the settings.
try:
    failpoints.arm(_text("TULIA_FAILPOINTS"))
except failpoints.FailpointsInvalid as error:
    raise ImproperlyConfigured(f"TULIA_FAILPOINTS: {error}") from error
clock.follow(_text("TULIA_CLOCK_OFFSET_FILE"))

_hosts = [host for host in _text("TULIA_ALLOWED_HOSTS").split(",") if host]
ALLOWED_HOSTS = _hosts or ["*"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

_as_owner = _flag("TULIA_AS_OWNER", default=False)
DATABASES = {
    "default": _database(
        (_text("TULIA_OWNER_DATABASE_URL") if _as_owner else "")
        or _text("DATABASE_URL")
        or "postgresql://tulia_app@/tulia?host=/nonexistent",
        as_owner=_as_owner,
    )
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "procrastinate.contrib.django",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "tulia.tenants",
    "tulia.audience",
    "tulia.channels",
    "tulia.campaigns",
    "tulia.ledger",
    "tulia.ingest",
    "tulia.webhooks",
    "tulia.api",
    "tulia.web",
]
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]

MIDDLEWARE = [
    "tulia.api.counting.CountRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tulia.web.headers.SecurityHeaders",
    "django.middleware.common.CommonMiddleware",
    "tulia.web.pages_only.PagesOnly",
]
ROOT_URLCONF = "tulia.config.urls"
ASGI_APPLICATION = "tulia.config.asgi.application"
APPEND_SLASH = False
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = IS_SECURE
CSRF_COOKIE_SECURE = IS_SECURE
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_SECURE else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tulia.api.auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tulia.api.auth.HasDeclaredScope"],
    "DEFAULT_RENDERER_CLASSES": ["tulia.api.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tulia.api.parsers.StrictJsonParser"],
    "EXCEPTION_HANDLER": "tulia.api.errors.answer",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tulia Campaigns",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["tulia.api.openapi.declare_failures"],
}

PROCRASTINATE_IMPORT_PATHS = ["tulia.dispatch.jobs", "tulia.ingest.jobs"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "procrastinate_jobs_are_listed_in_import_paths"

LOGGING_CONFIG = None  # tulia.core.logs does it, for Django, uvicorn and procrastinate alike
