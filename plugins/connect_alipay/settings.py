"""The settings of one app at Alipay, and the checks that they are complete and fit together.

Keys and certificates stay texts here; `keys` parses them. https://opendocs.alipay.com/common/02kipl
"""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from connect_core.plugin import Endpoint, ProviderSettings

CERTIFICATE_KEYS = ("app_cert", "alipay_cert", "alipay_root_cert")


class AlipaySettings(ProviderSettings):
    """One app: a website or mobile app, or a mini program. Give keys and certificates as text, or as `file:PATH`."""

    app_id: str = Field(pattern="^[!-~]{1,64}$", description="The app's APPID, 16 digits.")
    private_key: SecretStr = Field(description="The app's own key: PKCS#1 or PKCS#8, PEM or bare.")
    alipay_public_key: str = Field(
        "", description="Alipay's key as the console shows it; leave out in certificate mode."
    )
    app_cert: str = Field("", description="Certificate mode: appCertPublicKey_<app_id>.crt.")
    alipay_cert: str = Field("", description="Certificate mode: alipayCertPublicKey_RSA2.crt.")
    alipay_root_cert: str = Field("", description="Certificate mode: alipayRootCert.crt.")
    aes_key: SecretStr | None = Field(None, description="AES key of content encryption, base64; phone numbers need it.")
    charset: Literal["utf-8", "gbk"] = Field("utf-8", description="Charset of requests, answers and signatures.")
    protocol: Literal["v2", "v3"] = Field("v2", description="`v2`: the gateway; `v3`: OpenAPI V3.")
    pid: str | None = Field(
        None, pattern="^2088[0-9]{12}$", description="Partner id (2088…); required for native apps."
    )
    scope: str | None = Field(
        None,
        pattern="^[a-z_]+(,[a-z_]+)*$",
        description="Default: auth_user, and kuaijie in native apps; auth_base is silent and has no profile.",
    )
    environment: Literal["production", "sandbox"] = Field(
        "production", description="Alipay's production hosts, or those of its sandbox."
    )
    gateway_url: Endpoint | None = Field(
        None, description="Default: the environment's gateway. With `v3` the origin alone."
    )
    authorize_url: Endpoint | None = Field(None, description="Alipay's consent page; default: the environment's.")

    @model_validator(mode="after")
    def _has_one_key_mode(self) -> Self:
        missing = [key for key in CERTIFICATE_KEYS if not getattr(self, key)]
        if self.alipay_public_key and len(missing) < len(CERTIFICATE_KEYS):
            raise ValueError(f"give either alipay_public_key or {', '.join(CERTIFICATE_KEYS)}, not both")
        if not self.alipay_public_key and len(missing) == len(CERTIFICATE_KEYS):
            raise ValueError(f"alipay_public_key is missing (in certificate mode {', '.join(CERTIFICATE_KEYS)})")
        if not self.alipay_public_key and missing:
            raise ValueError(f"certificate mode needs {' and '.join(missing)} too")
        return self

    @model_validator(mode="after")
    def _fits_protocol(self) -> Self:
        if self.protocol == "v3" and self.charset != "utf-8":
            raise ValueError("charset: protocol v3 speaks utf-8 alone")
        if self.protocol == "v3" and self.gateway_url and self.gateway_url.endswith("gateway.do"):
            raise ValueError("gateway_url: with protocol v3 give the origin alone, without /gateway.do")
        return self
