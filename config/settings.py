"""Settings of the server; every knob is an environment variable named ``HEALTHTRACK_…`` (``docs/configuration.md``).

The two exceptions carry the names that every platform already uses: ``DATABASE_URL`` and ``PORT`` are not ours to
rename.
"""

from __future__ import annotations

from pathlib import Path

from config import database, email, env, logs, object_store
from outbound import addresses

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.boolean("HEALTHTRACK_DEBUG", False)
SECRET_KEY = env.secret_key()
ALLOWED_HOSTS = env.words("HEALTHTRACK_ALLOWED_HOSTS", ["*"])
CSRF_TRUSTED_ORIGINS = env.words("HEALTHTRACK_TRUSTED_ORIGINS", [])
SITE_URL = env.site_url()

INSTALLED_APPS = [
    "runtime",  # first, because of two commands of one name the first app's is taken: changepassword
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "environments",
    "notifications",
    "errortracking",
    "healthtrack",
]

MIDDLEWARE = [
    "runtime.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "runtime.browsers.Sessions",
    "django.middleware.common.CommonMiddleware",
    "runtime.browsers.Csrf",
    "runtime.browsers.Authentication",
    "runtime.browsers.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

UNFOLD = {
    "SITE_TITLE": "Healthtrack",
    "SITE_HEADER": "Healthtrack",
    "SITE_URL": None,
    "SITE_SYMBOL": "monitor_heart",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.admin_look.icon"}],
    "STYLES": ["config.admin_look.styles"],
    "SHOW_BACK_BUTTON": True,
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "config.admin_look.navigation"},
}

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # both spellings are routes of their own; a redirect would lose the body of a POST

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],  # before the packages' own, some of which they replace
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database.from_environment()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/account/"
AUTH_USER_MODEL = "environments.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Mail, by which forgotten passwords are set anew. Without a server operators pass links on.
EMAIL_AVAILABLE = email.is_available()
globals().update(email.from_environment())
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("HEALTHTRACK_EMAIL_FROM", "healthtrack@localhost")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the files come from the installed packages

CSRF_COOKIE_NAME = "posthog_csrftoken"  # the name that API clients with a session read (contract 1.2)
SESSION_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024  # contract 1.5: at most 20 MB for a request body

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "environments.api.authentication.PersonalAPIKeyAuthentication",
        "environments.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["environments.api.permissions.Refused"],
    "DEFAULT_RENDERER_CLASSES": ["environments.api.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "environments.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "environments.api.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "environments.api.schema.Schema",
    "EXCEPTION_HANDLER": "environments.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Healthtrack",
    "DESCRIPTION": (
        "Error tracking and project health. What is labelled untrusted came from events or from clients, word by word: "
        "escape it where you show it, and never run it."
    ),
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "DEFAULT_GENERATOR_CLASS": "environments.api.schema.Generator",
    "SCHEMA_PATH_PREFIX": "/api/",
    "AUTHENTICATION_WHITELIST": ["environments.api.authentication.PersonalAPIKeyAuthentication"],
    "ENUM_NAME_OVERRIDES": {
        "AlertEventEnum": "notifications.events.NoticeEvent",
        "AlertSeverityEnum": "notifications.api.fields.SEVERITY_CHOICES",
        "AlertDestinationKindEnum": "notifications.models.DestinationKind",
        "AlertDeliveryStatusEnum": "notifications.models.DeliveryStatus",
        "AssigneeTypeEnum": "errortracking.api.rules_fields.ASSIGNEE_TYPES",
        "FilterLogicalOperatorEnum": "errortracking.api.rules_filters.LOGICAL",
        "FilterOperatorEnum": "errortracking.rules.operators.OPERATORS",
        "EventPropertyFilterTypeEnum": "errortracking.api.rules_filters.KINDS",
        "AssignmentPropertyFilterTypeEnum": "errortracking.api.rules_filters.ISSUE_KINDS",
        "IssueStatusEnum": "errortracking.models.IssueStatus",
        "WritableIssueStatusEnum": "errortracking.api.issue_actions_fields.STATUSES",
        "IssueSeverityEnum": "errortracking.models.issues.Severity",
        "HealthIssueSeverityEnum": "healthtrack.models.HealthSeverity",
        "HealthIssueStatusEnum": "healthtrack.models.HealthStatus",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": "none"},  # or it asks a host of its maker's
    "REDOC_DIST": "SIDECAR",
}

# Requests with one personal API key in any 60 and any 3600 seconds; the numbers are upstream's (contract 1.5).
RATE_LIMITS = env.boolean("HEALTHTRACK_RATE_LIMITS", True)
RATE_LIMIT_PER_MINUTE = env.integer("HEALTHTRACK_RATE_LIMIT_PER_MINUTE", 480, minimum=1)
RATE_LIMIT_PER_HOUR = env.integer("HEALTHTRACK_RATE_LIMIT_PER_HOUR", 4800, minimum=1)

# Who changed what is kept for so long (environments.housekeeping).
AUDIT_DAYS = env.integer("HEALTHTRACK_AUDIT_DAYS", 365, minimum=1)

# Exception events older than this are dropped, a day at a time (errortracking.pipeline.housekeeping).
MAX_EVENT_AGE_DAYS = env.integer("HEALTHTRACK_MAX_EVENT_AGE_DAYS", 90, minimum=1)

# How many exceptions each issue may store in 60 minutes, where its project says nothing; 0 or less: no limit. The value
# is upstream's (pipeline 2.11): far above what a person reads, far below what a loop that throws sends.
DEFAULT_PER_ISSUE_RATE_LIMIT = env.integer("HEALTHTRACK_DEFAULT_PER_ISSUE_RATE_LIMIT", 10_000, minimum=-(2**31))

# What is kept of who sent an event, and of what looks like a secret in it (errortracking.ingest.privacy).
KEEP_CLIENT_IP = env.boolean("HEALTHTRACK_KEEP_CLIENT_IP", True)
MASK_SECRETS = env.boolean("HEALTHTRACK_MASK_SECRETS", True)

# Requests to addresses that events, redirects and people name (outbound): which hosts outside of the public internet
# they may go to, and whether scripts' maps are fetched at all (errortracking.symbols.fetching).
ALLOWED_PRIVATE_HOSTS = addresses.Allowed.read(env.words(addresses.SETTING, []))
FETCH_SOURCE_MAPS = env.boolean("HEALTHTRACK_FETCH_SOURCE_MAPS", True)

# How much may wait to be processed before events are refused with 503 (errortracking.models.backlog, .ingest.room).
MAX_BACKLOG_REQUESTS = env.integer("HEALTHTRACK_MAX_BACKLOG_REQUESTS", 250_000, minimum=1)
MAX_BACKLOG_MB = env.integer("HEALTHTRACK_MAX_BACKLOG_MB", 2_048, minimum=1)
MAX_PROJECT_BACKLOG_REQUESTS = env.integer("HEALTHTRACK_MAX_PROJECT_BACKLOG_REQUESTS", 125_000, minimum=1)
MAX_PROJECT_BACKLOG_MB = env.integer("HEALTHTRACK_MAX_PROJECT_BACKLOG_MB", 1_024, minimum=1)

# Events are refused when less is free on the disk of the embedded database, or when the database of `DATABASE_URL`,
# whose disk this process cannot see, is larger; 0: not checked.
MIN_FREE_DISK_MB = env.integer("HEALTHTRACK_MIN_FREE_DISK_MB", 512, minimum=0)
MAX_DATABASE_MB = env.integer("HEALTHTRACK_MAX_DATABASE_MB", 0, minimum=0)

# Where the data of symbol sets lies: in PostgreSQL, or, with a bucket, in a store that speaks S3's API
# (errortracking.symbols.storage). Without keys boto3 looks where AWS's own tools look.
S3_BUCKET = env.text("HEALTHTRACK_S3_BUCKET", "")
S3_ENDPOINT = env.text("HEALTHTRACK_S3_ENDPOINT", "")
S3_REGION = env.text("HEALTHTRACK_S3_REGION", "us-east-1")
S3_ACCESS_KEY = env.text("HEALTHTRACK_S3_ACCESS_KEY", "")
S3_SECRET_KEY = env.text("HEALTHTRACK_S3_SECRET_KEY", "")
S3_PREFIX = env.text("HEALTHTRACK_S3_PREFIX", "").strip("/")
object_store.check(S3_BUCKET, S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY)

# Data of symbol sets that this machine has read lately (errortracking.symbols.cache).
SYMBOL_CACHE_DIR = env.text(
    "HEALTHTRACK_SYMBOL_CACHE_DIR", f"{env.text('HEALTHTRACK_DATA_DIR', str(BASE_DIR / '.data'))}/symbol_cache"
)
SYMBOL_CACHE_MB = env.integer("HEALTHTRACK_SYMBOL_CACHE_MB", 512, minimum=0)

LOGGING_CONFIG = None  # structlog is set up by config.logs, once, for every process
logs.configure(json=env.boolean("HEALTHTRACK_LOG_JSON", True), level=env.text("HEALTHTRACK_LOG_LEVEL", "INFO"))

PROCRASTINATE_ON_APP_READY = None
