"""Settings: every value that differs between installations comes from the environment (see .env.example)."""

import os
import sys
from pathlib import Path

import environ
from celery.schedules import crontab
from django.utils.translation import gettext_lazy as _
from kombu import Queue

from config.production import check_sandboxes, whole_number, yes_or_no
from core.embedded.servers import MARK

ROOT = Path(__file__).resolve().parents[2]
env = environ.Env()
if (ROOT / ".env").exists():
    environ.Env.read_env(ROOT / ".env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    from core.embedded import local_secret_key

    SECRET_KEY = local_secret_key()
# What bank account numbers are encrypted with at rest; without one SECRET_KEY, which must then never change.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where outside parties (a payment provider) reach this installation.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=False)
NUM_PROXIES = env.int("NUM_PROXIES", default=0)  # how many trusted proxies stand in front

DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL", default="postgresql:///tongdao"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
DATABASES["default"]["ENGINE"] = "core.postgresql"
# Statements are prepared where the code asks for it (core.postgresql), never by themselves; off for a pooler that hands
# each transaction another connection and cannot keep them.
DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = (
    sys.maxsize if env.bool("PREPARED_STATEMENTS", default=True) else None
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        # Redis may be away: then the cache is empty and every page still works.
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 0.3,
            "SOCKET_TIMEOUT": 0.5,
        },
    }
}

CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the job row covers a lost worker
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_TIME_LIMIT = 600
# Ours, and what calls others' servers (core.enums.JobQueue). A worker that is told no --queues serves both.
CELERY_TASK_DEFAULT_QUEUE = "tongdao-inside"
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in ("tongdao-inside", "tongdao-outside")]
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "core.tasks.sweep", "schedule": 30.0},
    "sweep-unsettled": {"task": "coupons.settlement.tasks.sweep_unsettled", "schedule": 60.0},
    "look-behind-the-mark": {
        "task": "coupons.settlement.tasks.look_behind_the_mark",
        "schedule": crontab(hour="3", minute="20"),
    },
    "sweep-expired": {"task": "coupons.tasks.sweep_expired", "schedule": 120.0},
    "sweep-reviews": {"task": "coupons.tasks.sweep_reviews", "schedule": 300.0},
    "live-openings": {"task": "coupons.live.tasks.flush_openings", "schedule": 10.0},
    "lost-rehearsals": {"task": "coupons.live.tasks.end_lost_rehearsals", "schedule": 60.0},
    "end-deals": {"task": "coupons.tasks.end_deals", "schedule": 300.0},
    # 03:40 of the installation's zone: after midnight's statements, before anybody opens.
    "check-invariants": {
        "task": "core.tasks.check_invariants_nightly",
        "schedule": crontab(hour="3", minute="40"),
    },
    "sweep-statement-files": {"task": "coupons.settlement.tasks.sweep_statement_files", "schedule": 600.0},
    "seal-statements": {"task": "coupons.settlement.tasks.enqueue_statements", "schedule": 600.0},
    "reconcile": {"task": "coupons.settlement.tasks.enqueue_reconciliation", "schedule": 1800.0},
    "confirm-unanswered": {
        "task": "coupons.settlement.tasks.confirm_unanswered_statements",
        "schedule": 900.0,
    },
    "roll-up": {"task": "coupons.insights.tasks.enqueue_roll_ups", "schedule": 600.0},
    "board-records": {"task": "providers.creators.tasks.enqueue_board_records", "schedule": 1800.0},
}

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "csp",
    "rest_framework",
    "knox",
    "phonenumber_field",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "core",
    "identity",
    "ledger",
    "merchants",
    "coupons",
    "coupons.settlement",
    "coupons.shop",
    "coupons.insights",
    "coupons.live",
    "providers",
    "providers.creators",
    "benchmarks",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.AccountLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.SignInAgainMiddleware",
    "core.middleware.PolicyMiddleware",
    "core.middleware.OperatorScopeMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context.reader",
            ],
        },
    }
]

FORM_RENDERER = "core.forms.FormRenderer"
NAVIGATION = "config.navigation.MERCHANT"  # the merchant's menu, by URL names
PROVIDER_NAVIGATION = "config.navigation.PROVIDER"

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["identity.backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "identity.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"phone", "email"}
# Nobody signs up by himself. The phone is no must: with "phone*" whoever has an e-mail only is turned away at sign-in.
ACCOUNT_SIGNUP_FIELDS = ["phone", "email", "password1*"]
SILENCED_SYSTEM_CHECKS = [
    "account.W001"
]  # wants one of the two to be a must at a sign-up that does not exist
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Tongdao"
# As for the API: else everybody behind a proxy would share one limit of failed sign-ins.
ALLAUTH_TRUSTED_PROXY_COUNT = NUM_PROXIES

# Links to set a new password; without a mail server they are printed in the server's log.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tongdao@localhost")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = sorted(ROOT.glob("locale/*/"))  # one folder per surface
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
PHONENUMBER_DEFAULT_REGION = "CN"

STATIC_URL = "static/"
STATIC_ROOT = ROOT / "staticfiles"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

SESSION_ENGINE = "identity.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# The operator's site at /ops/.
UNFOLD = {
    "SITE_TITLE": _("Tongdao operator"),
    "SITE_HEADER": _("Tongdao operator"),
    "SITE_SYMBOL": "storefront",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {
            "50": "#eef5fc",
            "100": "#d9e8f8",
            "200": "#b5d2f1",
            "300": "#85b5e7",
            "400": "#4d92d8",
            "500": "#2475c4",
            "600": "#0b5cad",
            "700": "#094c90",
            "800": "#0a4177",
            "900": "#0c3662",
            "950": "#082342",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": "config.operator_menu.menu",
    },
}

# Requests per caller; see core.api.throttles.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["identity.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.OnlyJson",
    "DEFAULT_PAGINATION_CLASS": "core.api.pages.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttles.Throttle"],
    "DEFAULT_THROTTLE_RATES": {
        "sign_in": "30/min",
        "staff_sign_in": "10/min",
        "staff_sign_in_phone": "30/hour",
        "orders": "60/min",
        "redeem": "240/min",
        "lookup": "600/min",
    },
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "core.api.errors.Handler",
    "EXCEPTION_FORMATTER_CLASS": "core.api.errors.Formatter",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tongdao API",
    "DESCRIPTION": "For a shop's mini-program, H5 pages and tills. Money is integers of fen, ids are strings, moments are RFC 3339.",
    "VERSION": "1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}},
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "coupons.enums.OrderState",
        "CouponState": "coupons.enums.CouponState",
        "RefundState": "coupons.enums.RefundState",
        "RefundReason": "coupons.enums.RefundReason",
        "RefundCause": "coupons.enums.RefundCause",
        "SaleState": "coupons.enums.SaleState",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# A sandbox stands in for outside companies where no real one is configured; it behaves like one, over HTTP.
PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", default="sandbox")
SANDBOX_PAYMENT_SECRET = env.str("SANDBOX_PAYMENT_SECRET", default="sandbox-secret-for-development")
CUSTOMER_SIGN_IN = env.str("CUSTOMER_SIGN_IN", default="sandbox")
check_sandboxes(said=os.environ, debug=DEBUG, https_only=HTTPS_ONLY, embedded=MARK in os.environ)

# A payee's new bank account is used so many hours after it was asked for.
BANK_ACCOUNT_WAIT_HOURS = whole_number(
    "BANK_ACCOUNT_WAIT_HOURS", env.str("BANK_ACCOUNT_WAIT_HOURS", default="48"), least=1, most=720
)
# A statement nobody answered for so many days counts as confirmed.
STATEMENT_ANSWER_DAYS = whole_number(
    "STATEMENT_ANSWER_DAYS", env.str("STATEMENT_ANSWER_DAYS", default="7"), least=1, most=90
)
# The gate before placing an order; see docs/admission.md.
ADMISSION = yes_or_no("ADMISSION", env.str("ADMISSION", default="true"))
ADMISSION_IN_FLIGHT = whole_number(
    "ADMISSION_IN_FLIGHT", env.str("ADMISSION_IN_FLIGHT", default="0"), least=0, most=1_000
)
ADMISSION_TURN_SECONDS = whole_number(
    "ADMISSION_TURN_SECONDS", env.str("ADMISSION_TURN_SECONDS", default="60"), least=15, most=900
)
ADMISSION_ABSENT_SECONDS = whole_number(
    "ADMISSION_ABSENT_SECONDS", env.str("ADMISSION_ABSENT_SECONDS", default="30"), least=10, most=900
)
ADMISSION_TRIES_PER_CUSTOMER = whole_number(
    "ADMISSION_TRIES_PER_CUSTOMER",
    env.str("ADMISSION_TRIES_PER_CUSTOMER", default="60"),
    least=0,
    most=1_000_000,
)
ADMISSION_TRIES_PER_ADDRESS = whole_number(
    "ADMISSION_TRIES_PER_ADDRESS",
    env.str("ADMISSION_TRIES_PER_ADDRESS", default="3000"),
    least=0,
    most=1_000_000,
)
# Set for the processes of a rehearsal only: the lane of its jobs. Nowhere else can a shadow shop be entered.
REHEARSAL = env.str("REHEARSAL", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"httpx": {"level": "WARNING"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
