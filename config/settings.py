"""Django's settings: everything that differs between installations comes from the environment."""

import hashlib
from decimal import Decimal
from pathlib import Path

from config import environment as env
from config.jobs import BEAT, KINDS
from governance.states import RequestKind, RequestState
from monitoring.states import IncidentState

ROOT = Path(__file__).resolve().parent.parent
DEBUG = env.flag("OMBUD_DEBUG")
SECRET_KEY = env.text("OMBUD_SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("OMBUD_OLD_SECRET_KEYS")
ALLOWED_HOSTS = env.words("OMBUD_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
PUBLIC_URL = env.text("OMBUD_PUBLIC_URL", "http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
VAR = Path(env.text("OMBUD_VAR", str(ROOT / "var")))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "config",
    "ledger",
    "audit",
    "accounts",
    "registry",
    "monitoring",
    "governance",
]

MIDDLEWARE = [
    "config.middleware.ServerTimingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "audit.middleware.RequestIdMiddleware",
    "config.middleware.SignInRequiredMiddleware",
    "config.middleware.BoundedFormsMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "config.context.navigation",
            ],
            "builtins": ["config.templatetags.ombud"],
        },
    }
]

# One database, one code path: PostgreSQL, embedded or not.
DATABASES = {"default": env.database(env.text("DATABASE_URL", "postgresql://localhost/ombud"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True

# Who: our own user, allauth's sign-in pages, axes against guessing.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.ClosedDoorAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
# Second factors: what proves more than a password, at the door and at every signature.
MFA_ADAPTER = "accounts.mfa.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_FORMS = {
    "authenticate": "accounts.web.second_step.CodeForm",
    "authenticate_webauthn": "accounts.web.second_step.NoKeyForm",
}
MFA_WEBAUTHN_USER_VERIFICATION = "required"
SIGN_SECOND_FACTOR = env.choice("OMBUD_SIGN_SECOND_FACTOR", ["if_set", "required"])
# Single sign-on: one provider, whose subjects are kept under its own address.
OIDC_ISSUER = env.text("OMBUD_OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT_ID = env.text("OMBUD_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.text("OMBUD_OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.text("OMBUD_OIDC_NAME", "your organisation")
OIDC_TEAMS = env.groups("OMBUD_OIDC_TEAMS")
OIDC_GROUPS_CLAIM = env.text("OMBUD_OIDC_GROUPS_CLAIM", "groups")
OIDC_PROVIDER = f"oidc-{hashlib.sha256(OIDC_ISSUER.encode()).hexdigest()[:16]}"
SOCIALACCOUNT_ADAPTER = "accounts.sso.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_IPWARE_PROXY_COUNT = env.number("OMBUD_TRUSTED_PROXIES", 0)

# Mail: invitations and what a person must hear of. Without a server links are shown once.
MAIL = env.mail(env.text("OMBUD_MAIL", ""))
globals().update(MAIL)

# Browsers.
SECURE = env.flag("OMBUD_SECURE")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("OMBUD_STATIC_ROOT", str(VAR / "static")))
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

# Work: ledger rows decide, Celery messages wake (see ledger/).
LEDGER_KINDS = KINDS
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    # kombu would sleep two seconds before it tries once more: nobody waits that long for a wake-up.
    "interval_start": 0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 900
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "evaluate"
CELERY_BEAT_SCHEDULE = BEAT
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "celerybeat-schedule")
CELERY_TIMEZONE = "UTC"

MLFLOW_TRACKING_URI = env.text("MLFLOW_TRACKING_URI", "").rstrip("/")
MLFLOW_WEBHOOK_SECRET = env.text("OMBUD_MLFLOW_WEBHOOK_SECRET", "")
# How often the bytes of serving versions are read again, and who puts right what was moved.
DRILL_EVERY_DAYS = env.number("OMBUD_DRILL_EVERY_DAYS", 90)
# The largest difference between two answers that counts as none; 0: to the last bit.
DRILL_TOLERANCE = 1e-9
WHEELS = env.text("OMBUD_WHEELS", "")
# What an archive holds beside the registry's own parts: functions that are given a version's id and
# yield path and bytes. They run each time that an archive is written.
ARCHIVE_PARTS = ("governance.reads.archive_parts.parts_of",)
BYTES_EVERY_MINUTES = env.number("OMBUD_BYTES_EVERY_MINUTES", 15)
PUT_BACK = env.text("OMBUD_PUT_BACK", "auto")
CLEARANCE_KEYS = env.text("OMBUD_CLEARANCE_KEYS", str(VAR / "keys"))
STORE_URL = env.text("OMBUD_STORE", f"file://{VAR / 'store'}")
# Whether sealed archives are locked in an S3 store: "", "governance" or "compliance".
STORE_LOCK = env.text("OMBUD_STORE_LOCK", "")
# What keeping a gigabyte for a month costs here, to show what archives cost.
STORE_PRICE = Decimal(env.text("OMBUD_STORE_PRICE", "0.023"))
STORE_CURRENCY = env.text("OMBUD_STORE_CURRENCY", "USD")

# Where retrainings run beside this installation's own sandbox; secrets stay in that file.
RETRAINING_RUNNERS = env.runners(env.text("OMBUD_RUNNERS", ""))

# What proves the audit trail lies outside the database: the key, and what it signed.
AUDIT_KEY = env.text("OMBUD_AUDIT_KEY", str(VAR / "audit-key.pem"))
AUDIT_ORIGIN = env.text("OMBUD_AUDIT_ORIGIN", f"{PUBLIC_URL.partition('://')[2]}/audit")
CHECKPOINTS = env.text("OMBUD_CHECKPOINTS", str(VAR / "checkpoints"))

# Uploads: budgets, not hopes. A batch is refused before it can hurt.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# Forms with files go to the disk while they are read: no form has more than this.
FORM_MAX_BYTES = 32 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.SignedInWithScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttles.PerPerson"],
    "DEFAULT_THROTTLE_RATES": {"person": "6000/min", "anonymous": "60/min"},
    "EXCEPTION_HANDLER": "accounts.api.problems.handle",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Ombud",
    "DESCRIPTION": "Registry, monitoring and governance of machine-learning models.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api.documentation.name_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RequestKindEnum": [(kind.value, kind.value.replace("_", " ")) for kind in RequestKind],
        "RequestStateEnum": [(state.value, state.value) for state in RequestState],
        "DecisionEnum": "governance.models.Decision.choices",
        "ClearanceDecisionEnum": [("suspend", "suspend"), ("reinstate", "reinstate")],
        "MonitorKindEnum": "monitoring.models.MonitorKind.choices",
        "ReferenceKindEnum": "registry.models.ReferenceKind.choices",
        "SeverityEnum": "monitoring.models.Severity.choices",
        "RiskTierEnum": "registry.models.RiskTier.choices",
        "PolicyChangeKindEnum": [
            *((kind.value, kind.value.replace("_", " ")) for kind in RequestKind),
            ("retirement", "retirement"),
        ],
        "LifeFactKindEnum": "governance.models.LifeFactKind.choices",
        "FindingKindEnum": "governance.models.FindingKind.choices",
        "FindingSeverityEnum": "governance.models.FindingSeverity.choices",
        "AttestationResultEnum": "governance.models.AttestationResult.choices",
        "AssessmentResultEnum": [(one, one) for one in ("met", "partly", "not", "not_applicable")],
        "RuleChangeKindEnum": [(one, one) for one in ("edition", "begins", "ends")],
        "LinkKindEnum": [
            (one, one) for one in ("archive", "change_request", "document", "incident", "run")
        ],
        "GuidelineStateEnum": [(one, one) for one in ("draft", "in_force", "superseded", "ended")],
        "AnswersStateEnum": [(one, one) for one in ("draft", "signed", "superseded")],
        "RoleEnum": [(one, one) for one in ("champion", "challenger", "shadow")],
        "PersonRoleEnum": "accounts.roles.Role.choices",
        "EntryKindEnum": "governance.models.EntryKind.choices",
        "BackTestStateEnum": "governance.models.BackTestState.choices",
        "ProposalStateEnum": "governance.models.ProposalState.choices",
        "SigningRoleEnum": [
            (one, one.replace("_", " ")) for one in ("validator", "reviewer", "risk_officer")
        ],
        "UserKindEnum": "accounts.models.UserKind.choices",
        "IncidentStateEnum": [(state.value, state.value) for state in IncidentState],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
