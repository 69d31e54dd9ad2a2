# SPDX-License-Identifier: ISC
"""What a certificate is accepted for: names, and what --cacert trusts. Users
expect what curl and browsers do; where OpenSSL's default is stricter without
being safer, ours is theirs."""
import datetime
import shutil
import subprocess

import pytest

from certs import _pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes


def get(fetchd, origin, leaf, host, *args):
    o = origin(tls=leaf.context())
    return fetchd(*o.resolve(), *args, o.url(host=host)).one


@pytest.mark.parametrize("san, host", [
    ("*.x.test", "my_site.x.test"), ("*.x.test", "_acme.x.test"),
    ("*.x.test", "a_.x.test"), ("*.x.test", "MY_Site.X.test"),
    ("*.my_zone.test", "a.my_zone.test"), ("*.My_Zone.test", "b_c.my_zone.test"),
    ("my_site.x.test", "my_site.x.test"), ("*.x.test", "my_site.x.test."),
    ("*.x.test", "xn--bcher-kva.x.test"),
])
def test_underscores_are_verified_like_other_characters(fetchd, origin, pki,
                                                        san, host):
    rec = get(fetchd, origin, pki.leaf(san), host)
    assert rec["status_code"] == 200 and rec["tls_verified"] is True


@pytest.mark.parametrize("san, host", [
    ("*.test", "my_site.test"), ("f*.x.test", "f_o.x.test"),
    ("*_o.x.test", "f_o.x.test"), ("*.x.test", "a_b.c.x.test"),
    ("*.*.test", "a_b.c.test"), ("a_b.*.test", "a_b.c.test"),
    ("*.y.test", "my_site.x.test"), ("my-site.x.test", "my_site.x.test"),
    ("*x.test", "my_site.x.test"), ("*.x..test", "my_site.x.test"),
    ("**.x.test", "my_site.x.test"), ("*.x.test.", "my_site.x.test"),
])
def test_and_no_wildcard_is_wider_for_them(fetchd, origin, pki, san, host):
    rec = get(fetchd, origin, pki.leaf(san), host)
    assert rec["error"] == "tls_cert_hostname", rec


def test_no_name_counts_but_those_of_the_san(fetchd, origin, pki):
    leaf = pki.leaf(cn="*.x.test", san=False)
    rec = get(fetchd, origin, leaf, "my_site.x.test")
    assert rec["error"] == "tls_cert_hostname"


def test_other_faults_of_such_a_certificate_still_count(fetchd, origin, pki):
    for how, code in ((dict(days=(-10, -1)), "tls_cert_expired"),
                      (dict(issuer="stranger"), "tls_cert_untrusted")):
        rec = get(fetchd, origin, pki.leaf("*.x.test", **how),
                  "my_site.x.test")
        assert rec["error"] == code, rec


# ---- --cacert ----

def cut(path, n):
    """The n-th certificate of a PEM file, as text."""
    with open(path) as f:
        parts = f.read().split("-----END CERTIFICATE-----")
    return parts[n].strip() + "\n-----END CERTIFICATE-----\n"


@pytest.fixture
def chain(pki):
    return pki.leaf("a.test", "127.0.0.1")


def test_an_intermediate_is_enough(fetchd, origin, pki, chain, tmp_path):
    ca = tmp_path / "inter.pem"
    ca.write_bytes(_pem(pki.inter.cert))
    rec = get(fetchd, origin, chain, "a.test", "--cacert", str(ca))
    assert rec["status_code"] == 200 and rec["tls_verified"] is True


def test_the_servers_own_certificate_is_enough(fetchd, origin, chain,
                                               tmp_path):
    ca = tmp_path / "leaf.pem"
    ca.write_text(cut(chain.chain, 0))
    rec = get(fetchd, origin, chain, "a.test", "--cacert", str(ca))
    assert rec["status_code"] == 200


def test_but_its_name_and_its_time_still_count(fetchd, origin, pki, tmp_path):
    ca = tmp_path / "leaf.pem"
    ca.write_text(cut(pki.leaf("a.test", "127.0.0.1").chain, 0))
    rec = get(fetchd, origin, pki.leaf("a.test", "127.0.0.1"), "b.test",
              "--cacert", str(ca))
    assert rec["error"] == "tls_cert_hostname"
    old = pki.leaf("a.test", days=(-10, -1))
    ca.write_text(cut(old.chain, 0))
    rec = get(fetchd, origin, old, "a.test", "--cacert", str(ca))
    assert rec["error"] == "tls_cert_expired"


def test_a_self_signed_one_is_trusted_if_it_is_in_the_file(fetchd, origin, pki,
                                                           tmp_path):
    leaf = pki.leaf("a.test", issuer="self")
    ca = tmp_path / "self.pem"
    ca.write_text(cut(leaf.chain, 0))
    rec = get(fetchd, origin, leaf, "a.test", "--cacert", str(ca))
    assert rec["status_code"] == 200


def test_a_trusted_certificate_of_openssls_is_read(fetchd, origin, pki, chain,
                                                   tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program")
    ca = tmp_path / "trusted.pem"
    subprocess.run(["openssl", "x509", "-in", pki.ca, "-trustout", "-out",
                    str(ca), "-addtrust", "serverAuth"], check=True)
    assert "BEGIN TRUSTED CERTIFICATE" in ca.read_text()
    rec = get(fetchd, origin, chain, "a.test", "--cacert", str(ca))
    assert rec["status_code"] == 200


def test_other_things_in_the_file_are_passed_over(fetchd, origin, pki, chain,
                                                  tmp_path):
    ca = tmp_path / "bundle.pem"
    with open(pki.ca) as f:
        ca.write_text("# roots\n\n" + f.read() + "\ntrailing text\n")
    rec = get(fetchd, origin, chain, "a.test", "--cacert", str(ca))
    assert rec["status_code"] == 200


# ---- name constraints ----

@pytest.mark.parametrize("host, ok", [("a.in.test", True),
                                      ("a_b.in.test", True),
                                      ("a.out.test", False)])
def test_name_constraints_of_an_authority_hold(fetchd, origin, pki, host, ok,
                                               tmp_path):
    from certs import Authority, Leaf, _key, _name
    sub = Authority("Constrained", pki.root)
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    sub.cert = (
        x509.CertificateBuilder().subject_name(sub.name)
        .issuer_name(pki.root.name).public_key(sub.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day).not_valid_after(now + 9 * day)
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.NameConstraints([x509.DNSName("in.test")], None),
                       True)
        .sign(pki.root.key, hashes.SHA256()))
    key = _key("p256")
    cert = (
        x509.CertificateBuilder().subject_name(_name("leaf"))
        .issuer_name(sub.name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day).not_valid_after(now + 9 * day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]),
                       False)
        .sign(sub.key, hashes.SHA256()))
    pem, keyfile = tmp_path / "leaf.pem", tmp_path / "leaf.key"
    pem.write_bytes(_pem(cert) + _pem(sub.cert))
    keyfile.write_bytes(_pem(key))
    rec = get(fetchd, origin, Leaf(str(pem), str(keyfile)), host)
    assert (rec["error"] is None) == ok, rec
    if not ok:
        assert rec["error"] == "tls_cert_invalid"
