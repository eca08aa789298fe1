"""Settings, checked once at start-up. The only module that reads the environment."""

import ipaddress
import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digits.errors import SettingsError
from digits.spelling import meant

SHIPPED = Path("mnist-neural.h5")
"""The default model: the one in the working folder, or else the one that comes with the package."""
ANY_ORIGIN = "*"
"""Means in `cors_origins` that pages of any origin may recognise."""
S3 = "s3://"
"""Start of a storage that is a bucket, not a folder."""

UNIX = "unix"
"""Means in `trusted_proxies` whoever connects to the Unix socket."""

LogForm = Literal["text", "json"]

_LIKENESS = 0.8
"""Least likeness of a misspelt setting. Kubernetes' variables, such as DIGITS_SERVICE_PORT, reach 0.76."""

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.-]+)*", re.ASCII)
_POSTGRESQL = re.compile(r"postgres(ql)?(\+psycopg)?://")
_PREFIX = re.compile(r"(/[\w~-][\w.~-]*)*", re.ASCII)
_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_REDIS = re.compile(r"rediss?://([^@/]*@)?([^@:/]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[0-9]*)?|unix:///.+")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def usable_cpus() -> int:
    """Number of CPUs that this process may use, by its affinity and by the quota of its control group."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(available, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # No control group (version 2), or no quota ("max") in it.
        return available


def metrics_folder() -> str | None:
    """Folder through which processes share their metrics, as prometheus_client has it; the server sets it."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def harmless_environment() -> dict[str, str]:
    """The variables that another Python needs to start; others may hold passwords."""
    names = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def traces_wanted() -> bool:
    """Whether OpenTelemetry's environment variables name a collector of traces; its SDK reads them, and more."""
    of = os.environ.get
    is_off = of("OTEL_SDK_DISABLED", "").lower() == "true" or of("OTEL_TRACES_EXPORTER") == "none"
    return bool(of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or of("OTEL_EXPORTER_OTLP_ENDPOINT")) and not is_off


def ray_address() -> str | None:
    """The Ray cluster to work on, as Ray names it; None if there is none but this machine."""
    return os.environ.get("RAY_ADDRESS")


def is_prefix(text: str) -> bool:
    """Whether it can stand before the path of each URL: nothing, or a path without a slash at its end."""
    return bool(_PREFIX.fullmatch(text))


class _Environment(BaseSettings):
    @classmethod
    def read(cls, **values: Any) -> Self:
        """Read the settings from the environment, or take their defaults; `values` override both.

        Raises:
            SettingsError: a value cannot be used; the sentence names the setting and what is wrong with it.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            prefix = cls.model_config.get("env_prefix", "")
            problems = [
                f"{prefix}{item['loc'][0]}".upper() + f": {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors()
                if item["type"] != "default_factory_not_called"  # It only follows from another problem.
            ]
            raise SettingsError(". ".join(problems) + ".") from error


def _beside(storage: str) -> str:
    """The default database: `NAME.db` beside the folder NAME of pictures; none for a bucket.

    Earlier versions had `uploads.db` beside every folder. That stays in use if there are pictures, but no `NAME.db`.
    """
    if storage.startswith(S3):
        return ""
    own, former = Path(f"{storage}.db"), Path(storage).with_name("uploads.db")
    is_former = former.exists() and not own.exists() and any(Path(storage).glob("????????-????-????-????-????????????"))
    return f"sqlite:///{former if is_former else own}"


class Settings(_Environment):
    """Settings of the server. Each field is read from the variable DIGITS_NAME, where NAME is its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="DIGITS_", frozen=True, validate_default=True)

    host: str = Field("127.0.0.1", description="Address to listen on; the Docker image sets `0.0.0.0`")
    port: int = Field(5000, ge=1, le=65535, description="Port to listen on")
    socket: Path | None = Field(None, description="Unix socket to listen on, in place of the address and the port")
    tls_cert: Path | None = Field(
        None, description="Certificate for HTTPS, in PEM, followed by those that lead to a known one"
    )
    tls_key: Path | None = Field(None, description="Key of this certificate, in PEM, without a password")
    prefix: str = Field(
        "", description="Path under which a proxy serves this, such as `/digits`, whether it strips it or not"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks of proxies whose `X-Forwarded-` headers are believed, such as `127.0.0.1,10.0.0.0/8`; "
        "`unix` is whoever connects to the Unix socket",
    )
    workers: int = Field(
        default_factory=usable_cpus,
        ge=1,
        le=256,
        description="Processes that answer requests; by default one for each CPU that may be used",
    )
    model: Path = Field(SHIPPED, description="Keras model to recognise with, `.h5` or `.keras`")
    shadow: Path | None = Field(
        None, description="Second model, which reads beside the first and is compared with it; it answers nobody"
    )
    shadow_share: float = Field(1.0, gt=0, le=1, description="Share of the pictures that the second model reads too")
    storage: str = Field("uploads", description="Folder that keeps the uploaded pictures, or `s3://BUCKET/PREFIX`")
    database: str = Field(
        default_factory=lambda data: _beside(data["storage"]),
        repr=False,  # It may contain a password.
        description="Database of the uploads' records, `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; "
        "by default beside the folder of pictures and named after it, such as `uploads.db`",
    )
    keep_days: int | None = Field(
        None, ge=1, description="Days after which uploads are deleted, labelled ones too; if unset, they are kept"
    )
    strip: bool = Field(
        False,
        description="Whether pictures are kept without metadata, such as the place in EXIF; "
        "other formats than PNG, JPEG and WebP become PNG",
    )
    sync: Literal["full", "normal"] = Field(
        "full",
        description="What an acknowledged upload survives: power loss (`full`), or only a killed server (`normal`)",
    )
    max_bytes: int = Field(10 * 1024 * 1024, ge=1024, description="Largest request body that is accepted, in bytes")
    max_pixels: int = Field(25_000_000, ge=1024, description="Largest picture that is accepted, in pixels")
    rate: str | None = Field(
        None, description="Most requests of each API key, or else of each address, such as `100/minute`; if unset, any"
    )
    rate_storage: str | None = Field(
        None,
        repr=False,  # It may contain a password.
        description="Redis that counts them for all machines, `redis://HOST`; if unset, each worker allows its share",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (ANY_ORIGIN,),
        description="Origins whose pages may use everything, separated by commas; "
        "with `*`, pages of any origin may recognise, and none may see the history",
    )

    log: LogForm = Field("text", description="Form of the log on stderr: `text`, or `json` with an object in each line")
    access_log: bool = Field(False, description="Whether the log has a line for each request")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port for Prometheus, in place of `/metrics` on the public one"
    )

    @classmethod
    def misspelt(cls) -> dict[str, str]:
        """Environment variables that are no settings, and for each the one that is probably meant."""
        prefix = cls.model_config["env_prefix"]
        names = [name[len(prefix) :] for name in os.environ if name.upper().startswith(prefix)]
        likely = {name: meant(name, cls.model_fields, _LIKENESS) for name in names}
        return {
            prefix + name: prefix + alike.upper() for name, alike in likely.items() if alike and alike != name.lower()
        }

    @field_validator("host")
    @classmethod
    def _is_address(cls, host: str) -> str:
        try:
            return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
        except ValueError:
            raise ValueError(f"{host!r} is not an IP address, such as 127.0.0.1 or 0.0.0.0") from None

    @field_validator("tls_key")
    @classmethod
    def _comes_with_its_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_cert") is None):
            raise ValueError("HTTPS needs DIGITS_TLS_CERT and DIGITS_TLS_KEY. Set both, or neither")
        return key

    @field_validator("prefix")
    @classmethod
    def _is_prefix(cls, prefix: str) -> str:
        if is_prefix(prefix := prefix.rstrip("/")):
            return prefix
        raise ValueError(f"{prefix!r} is not a path such as /digits")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _are_networks(cls, proxies: str | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(proxies, str):
            proxies = tuple(proxy.strip() for proxy in proxies.split(",")) if proxies else ()
        for proxy in proxies:
            try:
                proxy == UNIX or ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is neither a network such as 10.0.0.0/8 nor unix") from None
        return proxies

    @field_validator("metrics_port")
    @classmethod
    def _is_another_port(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and port == info.data.get("port"):
            raise ValueError("it is DIGITS_PORT too. Choose another, or leave it unset")
        return port

    @field_validator("model")
    @classmethod
    def _is_here_or_comes_with_the_package(cls, model: Path) -> Path:
        package = Path(__file__).parent
        if model != SHIPPED or model.exists():
            return model
        return next((path for path in (package / model, package.parent / model) if path.exists()), model)

    @field_validator("storage", mode="before")
    @classmethod
    def _is_folder_or_bucket(cls, storage: str | Path) -> str:
        storage = str(storage)
        if _BUCKET.fullmatch(storage.rstrip("/")):
            return storage.rstrip("/")
        bucket = storage.removeprefix(S3).partition("/")[0]
        if storage.startswith(S3) and re.search("[^a-z0-9.-]", bucket):
            raise ValueError(
                f"{bucket!r} is no name of a bucket, which has only lower-case letters, digits, dots and hyphens"
            )
        if not storage or ":/" in storage:
            raise ValueError(f"{storage!r} is neither a folder nor of the form s3://BUCKET/PREFIX")
        return str(Path(storage).expanduser().absolute())

    @field_validator("database")
    @classmethod
    def _is_database(cls, database: str) -> str:
        """Check the URL, and complete it. Errors do not repeat it, since it may contain a password.

        Raises:
            ValueError: it is of neither form, or missing.
        """
        if not database:
            raise ValueError(
                "it is empty or not set. Pictures in S3 need a database, such as "
                "postgresql://USER:PASSWORD@HOST/NAME. For pictures in a folder, leave it unset"
            )
        if _POSTGRESQL.match(database):
            return _POSTGRESQL.sub("postgresql+psycopg://", database)
        if not database.startswith("sqlite:///") or database in ("sqlite:///", "sqlite:///:memory:"):
            raise ValueError("it is neither of the form sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/NAME")
        return f"sqlite:///{Path(database.removeprefix('sqlite:///')).absolute()}"

    @field_validator("rate")
    @classmethod
    def _is_rate(cls, rate: str | None) -> str | None:
        if rate is None or _RATE.fullmatch(rate):
            return rate
        raise ValueError(f"{rate!r} is not of the form 100/minute, with second, minute, hour or day")

    @field_validator("rate_storage")
    @classmethod
    def _is_redis(cls, storage: str | None) -> str | None:
        if storage is None or _REDIS.fullmatch(storage):
            return storage
        raise ValueError("it is not of the form redis://HOST, rediss://USER:PASSWORD@HOST:PORT/NUMBER or unix:///PATH")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, origins: str | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(origins, str):
            origins = tuple(origin.strip().rstrip("/").lower() for origin in origins.split(","))
        for origin in origins:
            if origins != (ANY_ORIGIN,) and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.org, nor * alone")
        return origins


class TrainingSettings(_Environment):
    """Settings of training: where it finds its data."""

    mnist_npz: Path | None = Field(
        None, description="MNIST in Keras' `.npz` format to train on; if unset, it is downloaded"
    )
    hands_npz: Path | None = Field(
        None, description="Pen trajectories of many hands to train on, made by `digits.training.data.pen_data`"
    )
