"""The trailer of an entry, as the library appends it to a value (crates/edge-cache/src/keyspace/trailer.rs has the layout)."""

ALPHABET = b" \t\n\r"
VERSION = 1


def appended(value, stored_at_ms, fresh_for_ms, grace_ms=0, load_ms=0, stamp=(0, 0, 0), tags=()):
    """An uncompressed value with its trailer.

    `fresh_for_ms` is None for a value that does not expire. `stamp` is the epoch of the fences, and the milliseconds and the number of the
    last one that was known.
    """
    facts = bytes([VERSION]) + stored_at_ms.to_bytes(6, "big")
    facts += _number(0 if fresh_for_ms is None else fresh_for_ms + 1) + _number(grace_ms) + _number(load_ms)
    epoch, fence_ms, sequence = stamp
    before = stored_at_ms - fence_ms
    facts += (epoch % 2**32).to_bytes(4, "big") + _number(2 * before if before >= 0 else -2 * before + 1) + _number(sequence)
    facts += "\n".join(tags).encode()
    checksum = crc24(facts + len(value).to_bytes(8, "big"))
    packed = facts + checksum.to_bytes(3, "big") + (len(facts) + 5).to_bytes(2, "big")
    return value + bytes(ALPHABET[byte >> shift & 3] for byte in packed for shift in (6, 4, 2, 0))


def _number(number):
    """Seven bits a byte, the lowest first; the highest bit of a byte says that more follow."""
    packed = bytearray()
    while number >= 0x80:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*packed, number])


def crc24(data):
    """CRC-24/OPENPGP (RFC 9580, section 6.1.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
