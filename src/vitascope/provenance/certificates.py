"""X.509 certificates and P-256 keys as C2PA wants them: issued, read, and told whether they will do.

In: names, keys, PEM. Out: certificates, and for `doctor` what is wrong with them. Knows no folders; `authority` does.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")  # what C2PA 2.x readers ask of a leaf, beside emailProtection
SKEW = timedelta(hours=1)  # certificates begin this much earlier, for clocks that are late


def issue(subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey,
          issuer_public: ec.EllipticCurvePublicKey, *, days: float, path_length: int | None) -> x509.Certificate:
    """An ES256 certificate; `path_length` None makes a leaf that may sign claims, a number an authority."""
    now, authority = datetime.now(UTC) - SKEW, path_length is not None
    usage = x509.KeyUsage(digital_signature=not authority, content_commitment=not authority, key_cert_sign=authority,
                          crl_sign=authority, key_encipherment=False, data_encipherment=False, key_agreement=False,
                          encipher_only=False, decipher_only=False)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
               .serial_number(x509.random_serial_number())
               .not_valid_before(now).not_valid_after(now + timedelta(days=days))
               .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
               .add_extension(usage, critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False))
    if not authority:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING])
        builder = builder.add_extension(purposes, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def name_of(name: str, role: str) -> x509.Name:
    """Who a certificate is about: an organisation and what it does in it."""
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
                      x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {role}")])


def load_chain(*paths: Path) -> list[x509.Certificate]:
    """The certificates of PEM files, one file after another. ValueError for what is none."""
    try:
        return x509.load_pem_x509_certificates(b"".join(path.read_bytes() for path in paths))
    except (OSError, ValueError) as error:
        raise ValueError(f"{paths[0]} is no chain of PEM certificates: {error}") from None


def describe_chain(chain: list[x509.Certificate], root: x509.Certificate) -> tuple[bool, str]:
    """Whether each certificate is signed by the next and the last one by the root."""
    try:
        for certificate, issuer in zip(chain, [*chain[1:], root], strict=True):
            certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as error:
        return False, f"is broken: {error or 'a signature does not fit'}"
    return True, " → ".join(each.subject.rfc4514_string() for each in chain)


def describe_usage(leaf: x509.Certificate) -> tuple[bool, str]:
    """Whether readers accept the leaf's purposes: some ask for one, some for the other, so it needs both."""
    try:
        purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        return False, str(error)
    missing = [name for name, there in {"emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION in purposes,
                                        "claimSigning": CLAIM_SIGNING in purposes,
                                        "digitalSignature": usage.digital_signature,
                                        "nonRepudiation": usage.content_commitment}.items() if not there]
    return not missing, f"lacks {', '.join(missing)}" if missing else "may sign claims"


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def to_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def load_key(text: str, path: Path) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from PEM; `path` names it in the ValueError for anything else."""
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is no PEM private key without a pass phrase: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"{path} is no P-256 key, which ES256 needs")
    return key
