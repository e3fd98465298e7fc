"""What the jobs of the closed-loop tests do: one word says what, the rest how much."""

import os
import sys
import time

MIB = 2**20


def fill_memory(mib: float) -> None:
    """Touch so much memory and let the guard look at it."""
    held = bytearray(int(mib * MIB))
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(0.3)
    print(f"held {len(held) // MIB} MiB")


def fill_shared_memory(mib: int) -> None:
    """Write so much into /dev/shm, as workers that hand each other arrays do."""
    try:
        with open("/dev/shm/array", "wb") as file:  # noqa: PTH123 - what is tried here
            file.write(b"x" * mib * MIB)
    except OSError:
        words = "unexpected error in worker: this might be caused by insufficient shared memory (shm)"
        raise RuntimeError(words) from None


def iterate(seconds: float) -> None:
    """Get on with it, and say so."""
    for step in range(int(seconds * 10)):
        print(f"iteration {step}", flush=True)
        time.sleep(0.1)


def read_object(uri: str) -> None:
    """Read one object with the credentials that the SDK finds."""
    import boto3  # noqa: PLC0415 - the other kinds of work need no SDK

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    print(len(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()))


def complain() -> None:
    """Say the same error in every run, as a cache does that nobody grants; fail for another reason where told so."""
    print("ERROR cannot read s3://cache/a: An error occurred (AccessDenied) when calling the GetObject operation")
    if "WOBBLE" in os.environ:
        print("the frobnicator wobbled")
        sys.exit(9)


match sys.argv[1:]:
    case ["memory", mib]:
        fill_memory(int(mib))
    case ["workers", mib]:
        fill_memory(int(mib) * int(os.environ["WORKERS"]))
    case ["shm", mib]:
        fill_shared_memory(int(mib))
    case ["iterate", seconds]:
        iterate(float(seconds))
    case ["hang"]:
        print("waiting for a lock", flush=True)
        time.sleep(60)
    case ["read", uri]:
        read_object(uri)
    case ["complain"]:
        complain()
    case ["array"]:
        print(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "no array"))
    case _:
        print("done")
