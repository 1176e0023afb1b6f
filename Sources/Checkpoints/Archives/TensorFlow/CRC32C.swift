/// The Castagnoli checksum of 32 bits, as LevelDB's files carry it: rotated and shifted, so that a checksum over data
/// with checksums in it is none.
///
/// Source: RFC 3720, appendix B.4; LevelDB, util/crc32c.h (`Mask`). Eight bytes a step: Kounavis and Berry 2005.
package enum CRC32C {
    package static func masked(_ bytes: [UInt8]) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe masked($0) }
    }

    static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let crc = unsafe checksum(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let tables = tables.span
        var crc = UInt64(UInt32.max)
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ crc
            crc = 0
            for position in 0..<8 {
                crc ^= UInt64(tables[(7 - position) * 256 + Int(word >> UInt64(8 * position) & 0xFF)])
            }
            offset += 8
        }
        while offset < bytes.count {
            crc = crc >> 8 ^ UInt64(tables[unsafe Int(UInt8(truncatingIfNeeded: crc) ^ bytes[offset])])
            offset += 1
        }
        return ~UInt32(crc)
    }

    /// `tables[256 * n + byte]`: the effect of a byte that n further bytes follow.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1) * 0x82F6_3B78 }
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
