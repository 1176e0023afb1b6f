import Checkpoints
import FuzzSupport
import SystemPackage

/// An index is refused with a typed error, or every tensor can be read. The bytes are the whole index, then the one block
/// of an index whose checksums are right, and each time the variables' file, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    for index in [bytes, table(bytes)] {
        let directory = scratchDirectory("tf", ["m.index": index, "m.data-00000-of-00001": bytes])
        guard let file = try? TensorFlowCheckpoint(directory.appending("m.index")) else { continue }
        for entry in file.entries {
            _ = try? file.tensor(entry)
            _ = try? file.stored(entry).tensor
        }
    }
    return 0
}

/// A table with the block as the only one.
private func table(_ block: [UInt8]) -> [UInt8] {
    var bytes = checked(block)
    let start = bytes.count
    let place = varint(0) + varint(block.count)
    let index: [UInt8] = [0, 1, UInt8(place.count), 0x7A] + place + [0, 0, 0, 0, 1, 0, 0, 0]
    bytes += checked(index)
    let handle = varint(start) + varint(index.count)
    let padding = [UInt8](repeating: 0, count: 40 - 2 * handle.count)
    return bytes + handle + handle + padding + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
}

/// The block, its compression (none) and its checksum.
private func checked(_ block: [UInt8]) -> [UInt8] {
    var crc = UInt32.max
    for byte in block + [0] {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1) * 0x82F6_3B78 }
    }
    crc = ~crc
    let masked = (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    return block + [0] + (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * $0)) }
}

private func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
}
