"""
What a token costs the resource server: cold (every check) and warm (a remembered verdict), beside the raw signature check.

    python -m benchmarks.validator [--rounds 60] [--calls 200] [--core 0] [--json]

Every round runs each candidate in turn, in random order, on one core; figures are CPU time, medians over the rounds, and `over raw` is the
median of the differences within a round, so that a noisy neighbour hits both sides alike. `quiet` is the best tenth of the rounds:
what the work costs when nobody else is on the machine. Raw is `cryptography`'s verify alone,
with its signature already in the form that it wants. The peers do what their documentation says a resource server does: issuer,
audience, dates, required claims. The token is one of ours: a person with roles, about 680 bytes.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from resource_lib.identity import compact_jws
from resource_lib.testing import TestIssuer

Candidate = Callable[[], object]


def candidates(algorithm: str) -> dict[str, Candidate]:
    """Return what is measured for `algorithm`, raw first."""
    issuer = TestIssuer("https://auth.example.com", resource="https://mcp.example.com/mcp", algorithm=algorithm)
    token = issuer.token(scopes=["orders:read", "orders:write", "tool:update_order"], roles=["support"])
    cold, warm = issuer.validator(), issuer.validator()
    run(warm.verify(token))

    def forgetful() -> object:
        cold._verdicts.clear()  # noqa: SLF001  # the verdict is remembered, as in production, and gone the next time
        return run(cold.verify(token))

    return {
        "raw signature": raw(algorithm, issuer, token),
        "ours, cold": forgetful,
        "ours, warm": lambda: run(warm.verify(token)),
        "pyjwt": pyjwt(algorithm, issuer, token),
        "joserfc": with_joserfc(algorithm, issuer, token),
    }


def run(coroutine: Coroutine[Any, Any, object]) -> object:
    """Return what a coroutine that never waits returns, without a loop's cost in the figure."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


def raw(algorithm: str, issuer: TestIssuer, token: str) -> Candidate:
    _, _, signature_segment, signed = compact_jws.split(token.encode())
    signature = compact_jws.decode(signature_segment)
    key: Any = jwt.PyJWK(issuer.jwks["keys"][0]).key
    if algorithm == "ES256":
        r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
        der, ecdsa = encode_dss_signature(r, s), ec.ECDSA(hashes.SHA256())
        return lambda: key.verify(der, signed, ecdsa)
    if algorithm == "RS256":
        pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
        return lambda: key.verify(signature, signed, pkcs1, sha256)
    return lambda: key.verify(signature, signed)


def pyjwt(algorithm: str, issuer: TestIssuer, token: str) -> Candidate:
    key = jwt.PyJWK(issuer.jwks["keys"][0]).key
    required = {"require": ["iss", "sub", "aud", "iat", "exp", "jti"]}
    return lambda: jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=issuer.resource,
        issuer=issuer.issuer,
        leeway=5,
        options=required,
    )


def with_joserfc(algorithm: str, issuer: TestIssuer, token: str) -> Candidate:
    key = joserfc.jwk.import_key(issuer.jwks["keys"][0])
    registry = joserfc.jwt.JWTClaimsRegistry(
        leeway=5,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.resource},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )

    def check() -> object:
        decoded = joserfc.jwt.decode(token, key, algorithms=[algorithm])
        registry.validate(decoded.claims)
        return decoded

    return check


def measure(found: dict[str, Candidate], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """Return the mean µs of CPU time per call of each candidate, round by round."""
    times: dict[str, list[float]] = {name: [] for name in found}
    order = list(found)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            candidate = found[name]
            began = time.process_time()
            for _ in range(calls):
                candidate()
            times[name].append((time.process_time() - began) / calls * 1e6)
    return times


def quiet(times: list[float]) -> float:
    """Return what the best tenth of the rounds took at most."""
    return sorted(times)[len(times) // 10]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--core", type=int, default=0, help="the core to stay on")
    parser.add_argument("--algorithm", action="append", choices=["ES256", "RS256", "EdDSA"])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})

    report = []
    for algorithm in chosen.algorithm or ["ES256", "RS256", "EdDSA"]:
        found = candidates(algorithm)
        times = measure(found, rounds=chosen.rounds, calls=chosen.calls)
        base = times["raw signature"]
        report += [
            {
                "algorithm": algorithm,
                "candidate": name,
                "us": round(statistics.median(each), 1),
                "quiet_us": round(quiet(each), 1),
                "over_raw_us": round(statistics.median(a - b for a, b in zip(each, base, strict=True)), 1),
                "quiet_over_raw_us": round(quiet(each) - quiet(base), 1),
                "ratio": round(statistics.median(a / b for a, b in zip(each, base, strict=True)), 2),
            }
            for name, each in times.items()
        ]
    if chosen.json:
        print(json.dumps(report, indent=1))
        return
    print(f"{'':21} {'µs':>8} {'over raw':>9} {'ratio':>6} {'quiet µs':>9} {'over raw':>9}")
    for line in report:
        print(
            f"{line['algorithm']:6} {line['candidate']:14} {line['us']:8.1f} {line['over_raw_us']:+9.1f} {line['ratio']:5.2f}x"
            f" {line['quiet_us']:9.1f} {line['quiet_over_raw_us']:+9.1f}"
        )


if __name__ == "__main__":
    main()
