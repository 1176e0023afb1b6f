import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("TensorFlowCheckpoint")
struct TensorFlowCheckpointTests {
    private let directory: TemporaryDirectory
    private let index: [UInt8]
    private let data: [UInt8]

    init() throws {
        directory = try TemporaryDirectory()
        let golden = Golden.directory("checkpoints/tf")
        index = try #require(contents(of: golden.appending("bert_model.ckpt.index")))
        data = try #require(contents(of: golden.appending("bert_model.ckpt.data-00000-of-00001")))
    }

    private func open(index: [UInt8]? = nil, data: [UInt8]? = nil) throws -> TensorFlowCheckpoint {
        try directory.write(data ?? self.data, to: "m.ckpt.data-00000-of-00001")
        return try TensorFlowCheckpoint(directory.write(index ?? self.index, to: "m.ckpt.index"))
    }

    private func fault(index: [UInt8]? = nil, data: [UInt8]? = nil) -> TensorFlowFault? {
        do {
            _ = try open(index: index, data: data)
            return nil
        } catch CheckpointError.invalidTensorFlow(_, let fault) { return fault } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    @Test("a changed value is found by its checksum, when it is asked for")
    func checksum() throws {
        var changed = data
        changed[100] ^= 1
        let file = try open(data: changed)
        var refused: [String] = []
        for entry in file.entries {
            do { _ = try file.stored(entry) } catch CheckpointError.invalidTensorFlow(_, .checksum) {
                refused.append(entry.name)
            }
        }
        #expect(refused.count == 1)
    }

    @Test("every changed byte of the index is refused, but for what nobody reads")
    func changedIndex() throws {
        // The footer's padding and the index of filters carry no checksum.
        for position in index.indices {
            var changed = index
            changed[position] ^= 0x40
            guard let file = try? open(index: changed) else { continue }
            #expect(file.entries.count == 32, "byte \(position)")
            for entry in file.entries { _ = try file.tensor(entry) }
        }
    }

    @Test("every truncation of index or data is refused")
    func truncation() {
        for count in 0..<index.count { #expect(fault(index: Array(index[..<count])) == .notATable) }
        for count in [0, 1, 700, data.count - 1] {
            guard case .outsideFile = fault(data: Array(data[..<count])) else {
                Issue.record("\(count) bytes of data were taken")
                continue
            }
        }
    }

    @Test("a missing data file is named")
    func missingData() throws {
        let path = try directory.write(index, to: "m.ckpt.index")
        let expected = CheckpointError.missingFile(
            directory("m.ckpt.data-00000-of-00001"), purpose: "variables of the checkpoint")
        #expect(throws: expected) { try TensorFlowCheckpoint(path) }
    }

    // MARK: Hand-made tables

    /// A table of one block, with checksums.
    ///
    /// - Parameter more: bytes behind the entries.
    private func table(
        _ entries: [(key: String, value: [UInt8])], _ more: [UInt8] = [], compression: UInt8 = 0
    ) -> [UInt8] {
        func block(_ entries: [(key: String, value: [UInt8])], _ more: [UInt8] = []) -> [UInt8] {
            var block: [UInt8] = []
            for (key, value) in entries {
                block += [0, UInt8(key.utf8.count), UInt8(value.count)]
                block += Array(key.utf8)
                block += value
            }
            block += more + [0, 0, 0, 0, 1, 0, 0, 0, compression]
            return block + little(masked(block), 4)
        }
        var bytes = block(entries, more)
        let handle = varint(0) + varint(bytes.count - 5)
        let start = bytes.count
        bytes += block([("z", handle)])
        let index = varint(start) + varint(bytes.count - start - 5)
        var tail = index + index  // in place of the index of filters any block will do
        tail += [UInt8](repeating: 0, count: 40 - tail.count)
        return bytes + tail + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    }

    private func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    private func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
    }

    /// CRC-32C bit by bit.
    private func masked(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1) * 0x82F6_3B78 }
        }
        crc = ~crc
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }

    private static let header: (key: String, value: [UInt8]) = ("", [8, 1])

    /// An entry of four bytes of f32, unless something else is said.
    private func entry(
        type: UInt8 = 1, sizes: [[UInt8]] = [[1]], shard: UInt8 = 0, offset: UInt8 = 0, size: UInt8 = 4,
        more: [UInt8] = []
    ) -> [UInt8] {
        var shape: [UInt8] = []
        for size in sizes {
            shape += [0x12, UInt8(size.count + 1), 8]
            shape += size
        }
        var bytes: [UInt8] = [8, type, 0x12, UInt8(shape.count)]
        bytes += shape
        bytes += [0x18, shard, 0x20, offset, 0x28, size, 0x35]
        bytes += little(masked([0, 0, 0, 0]), 4)
        return bytes + more
    }

    private func fault(_ value: [UInt8]) -> TensorFlowFault? {
        fault(index: table([Self.header, ("w", value)]), data: [0, 0, 0, 0])
    }

    @Test("entries that do not fit their file or their shape are refused")
    func entries() throws {
        #expect(fault(entry()) == nil)
        let file = try open(index: table([Self.header, ("w", entry())]), data: [0, 0, 0, 0])
        #expect(try file.tensor(#require(file["w"])) == Tensor([1], [0]))
        #expect(fault(entry(offset: 1)) == .outsideFile(name: "w", shard: "m.ckpt.data-00000-of-00001"))
        #expect(fault(entry(shard: 1)) == .outsideFile(name: "w", shard: "the 1 data files"))
        #expect(fault(entry(sizes: [[2]])) == .sizeMismatch(name: "w", bytes: 4, expected: 8))
        let huge = [UInt8](repeating: 0xFF, count: 8) + [0x7F]
        #expect(fault(entry(sizes: [huge, [2]])) == .sizeMismatch(name: "w", bytes: 4, expected: .max))
        #expect(fault(entry(type: 7)) == .unsupportedDataType(name: "w", 7))
        #expect(fault(entry(more: [0x3A, 0])) == .sliced(name: "w"))
        guard case .malformed = fault([8]) else {
            Issue.record("half a message was taken")
            return
        }
    }

    @Test("names that repeat a long beginning are refused before they fill the memory")
    func longNames() {
        // Two entries make the name 354 bytes long; every further one is all of it and nothing of its own.
        let tail = [UInt8](repeating: UInt8(ascii: "n"), count: 127)
        var repeats: [UInt8] = [100, 127, 0] + tail
        repeats += [0xE3, 1, 127, 0] + tail
        for _ in 0..<10_000 { repeats += [0xE2, 2, 0, 0] }
        let index = table([("", [8, 1]), (String(repeating: "n", count: 100), [])], repeats)
        guard case .malformed("names longer than the block", _) = fault(index: index) else {
            Issue.record("three megabytes of names in 40 kB")
            return
        }
    }

    @Test("tables of another kind are named")
    func tables() {
        #expect(fault(index: table([Self.header], compression: 1)) == .compressed)
        #expect(fault(index: table([("", [8, 1, 0x10, 1])])) == .bigEndian)
        #expect(fault(index: table([Self.header, ("_CHECKPOINTABLE_OBJECT_GRAPH", [8, 7])])) == .objectGraph)
        #expect(
            fault(
                index: table([Self.header, ("a/gamma", entry()), ("a/kernel", entry(offset: 4))]),
                data: [UInt8](repeating: 0, count: 8)) == .duplicateName("a.weight"))
        #expect(
            fault(
                index: table([Self.header, ("a", entry()), ("b", entry(offset: 3))]),
                data: [UInt8](repeating: 0, count: 8)) == .overlap(name: "b", other: "a"))
        guard case .malformed = fault(index: table([("w", entry())])) else {
            Issue.record("a table without header was taken")
            return
        }
    }
}
