# SPDX-License-Identifier: ISC
"""Certificates for the tests: one root, one intermediate, many odd leaves.

    pki = Pki(directory)
    pki.ca                      the root's PEM file, for --cacert
    leaf = pki.leaf("a.test")   ECDSA P-256, issued by the intermediate
    ctx = leaf.context()        an ssl.SSLContext for a server

Leaves are kept: asking twice for the same one costs nothing. Variations are
keywords of Pki.leaf(). Knows nothing of sockets.
"""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dh, ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)

# RFC 2409 section 6.2, the second Oakley group: 1024 bits.
OAKLEY_1024 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16)


def _key(kind):
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind[3:]))


def _pem(obj):
    if hasattr(obj, "public_bytes"):
        return obj.public_bytes(serialization.Encoding.PEM)
    return obj.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def _san(name):
    if name.startswith("dns:"):
        return x509.DNSName(name[4:])
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A key and a certificate that may sign others."""

    def __init__(self, cn, issuer=None):
        self.key = _key("p256")
        self.name = _name(cn)
        issuer = issuer or self
        now = datetime.datetime.utcnow()
        self.cert = (
            x509.CertificateBuilder()
            .subject_name(self.name).issuer_name(issuer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True,
                content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                self.key.public_key()), False)
            .sign(issuer.key, hashes.SHA256()))


class Leaf:
    """A server's certificate chain and key, as files."""

    def __init__(self, chain, key):
        self.chain, self.key = chain, key

    def context(self, low=None, high=None, ciphers=None, dh=None,
                client_ca=None):
        """A server's context. low, high: ssl.TLSVersion; client_ca: asks for
        a client certificate."""
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if ciphers:
            ctx.set_ciphers(ciphers)
        if low is not None:
            ctx.minimum_version = low
        if high is not None:
            ctx.maximum_version = high
        ctx.load_cert_chain(self.chain, self.key)
        if dh:
            ctx.load_dh_params(dh)
        if client_ca:
            ctx.verify_mode = ssl.CERT_REQUIRED
            ctx.load_verify_locations(client_ca)
        return ctx


class Pki:
    def __init__(self, directory):
        self.dir = str(directory)
        self.root = Authority("Test Root")
        self.inter = Authority("Test Intermediate", self.root)
        self.stranger = Authority("Unknown Root")
        self._leaves = {}
        self.ca = self._write("ca.pem", _pem(self.root.cert))

    def _write(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def leaf(self, *names, cn="leaf", key="p256", days=(-1, 10),
             issuer="inter", chain=True, digest="sha256", server_auth=True,
             san=True):
        """names go into subjectAltName (addresses as such, but "dns:1.2.3.4"
        as a name) unless san is False. issuer: inter, root, stranger or self; chain=False leaves the
        intermediate out; days: validity around now; digest: sha256 or sha1;
        key: p256, rsa1024, rsa2048; server_auth=False: for clients only."""
        what = (names, cn, key, days, issuer, chain, digest, server_auth, san)
        if what not in self._leaves:
            self._leaves[what] = self._make(*what)
        return self._leaves[what]

    def _make(self, names, cn, key, days, issuer, chain, digest, server_auth,
              san):
        priv = _key(key)
        sign = {"inter": self.inter, "root": self.root,
                "stranger": self.stranger}.get(issuer)
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder()
             .subject_name(_name(cn))
             .issuer_name(sign.name if sign else _name(cn))
             .public_key(priv.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now + days[0] * DAY)
             .not_valid_after(now + days[1] * DAY))
        if san and names:
            b = b.add_extension(x509.SubjectAlternativeName(
                [_san(n) for n in names]), False)
        eku = (ExtendedKeyUsageOID.SERVER_AUTH if server_auth
               else ExtendedKeyUsageOID.CLIENT_AUTH)
        b = b.add_extension(x509.ExtendedKeyUsage([eku]), False)
        algo = hashes.SHA1() if digest == "sha1" else hashes.SHA256()
        cert = b.sign(sign.key if sign else priv, algo)
        pem = _pem(cert)
        if chain and issuer == "inter":
            pem += _pem(self.inter.cert)
        stem = f"leaf{len(self._leaves)}"
        return Leaf(self._write(stem + ".pem", pem),
                    self._write(stem + ".key", _pem(priv)))

    def dh1024(self):
        params = dh.DHParameterNumbers(OAKLEY_1024, 2).parameters()
        return self._write("dh1024.pem", params.parameter_bytes(
            serialization.Encoding.PEM,
            serialization.ParameterFormat.PKCS3))
