import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("SafeTensors")
struct SafeTensorsTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func file(header: String, data: [UInt8] = [], length: UInt64? = nil) throws -> FilePath {
        let text = Array(header.utf8)
        let size = length ?? UInt64(text.count)
        let prefix = (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
        return try directory.write(prefix + text + data, to: "model.safetensors")
    }

    @Test("what is written reads back, bit for bit and in order")
    func roundTrip() throws {
        let tensors = [
            (name: "b", value: Tensor([2, 3], [1, -2.5, 3e-20, .infinity, 0, -0.0])),
            (name: "a", value: Tensor([0], [])), (name: "ü", value: Tensor([], [7])),
        ]
        let path = directory("model.safetensors")
        try SafeTensors.write(tensors, to: path)
        let read = try SafeTensors(path)
        #expect(read.entries.map(\.name).sorted() == ["a", "b", "ü"])
        #expect(read.metadata == ["format": "pt"])
        for (name, value) in tensors { #expect(try read.values(name) == value) }
        #expect(directory.names == ["model.safetensors"])
    }

    @Test("half, brain and double precision are converted")
    func dataTypes() throws {
        let header =
            #"{"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"#
            + #""b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},"#
            + #""d":{"dtype":"F64","shape":[1],"data_offsets":[12,20]}}"#
        let half: [UInt8] = [0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B]
        let brain: [UInt8] = [0x80, 0x3F, 0x20, 0xC1]
        let double = (0..<8).map { UInt8(truncatingIfNeeded: (0.5).bitPattern >> (8 * $0)) }
        let tensors = try SafeTensors(file(header: header, data: half + brain + double))
        #expect(try tensors.values("h").values == [1, -2, 0x1p-24, 65504])
        #expect(try tensors.values("b").values == [1, -10])
        #expect(try tensors.values("d").values == [0.5])
    }

    private static let entry = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
    private static let faults: [(String, [UInt8], SafeTensorsFault)] = [
        ("[]", [], .notAnObject),
        ("{\"a\"", [], .notJSON(JSONError(.endOfInput, at: 4))),
        ("{\(entry)}", [0, 0, 0, 0], .dataLength(found: 4, expected: 8)),
        ("{\(entry)}", [UInt8](repeating: 0, count: 12), .dataLength(found: 12, expected: 8)),
        ("{\(entry),\(entry)}", [UInt8](repeating: 0, count: 8), .duplicateName("a")),
        (
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, [UInt8](repeating: 0, count: 8),
            .sizeMismatch(name: "a", bytes: 8, expected: 12)
        ),
        (
            "{\(entry)," + #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            [UInt8](repeating: 0, count: 8), .gapOrOverlap(name: "b", begin: 4, expected: 8)
        ),
        (
            "{\(entry)," + #""b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#,
            [UInt8](repeating: 0, count: 16), .gapOrOverlap(name: "b", begin: 12, expected: 8)
        ),
        (
            #"{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}"#,
            [UInt8](repeating: 0, count: 8), .badEntry(name: "a", field: "shape", expected: "small enough to address")
        ),
        (
            #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, [UInt8](repeating: 0, count: 8),
            .badEntry(name: "a", field: "shape", expected: "an array of sizes")
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, [UInt8](repeating: 0, count: 8),
            .badEntry(name: "a", field: "data_offsets", expected: "two ascending offsets")
        ),
        (#"{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,1]}}"#, [0], .unsupportedDataType(name: "a", "Q4")),
        (#"{"a":{"shape":[2],"data_offsets":[0,1]}}"#, [0], .badEntry(name: "a", field: "dtype", expected: "a string")),
    ]

    @Test("a header that is wrong anywhere is refused", arguments: faults.indices)
    func refusal(index: Int) throws {
        let (header, data, fault) = Self.faults[index]
        let path = try file(header: header, data: data)
        #expect(throws: CheckpointError.invalidHeader(path, fault)) { try SafeTensors(path) }
    }

    @Test("a header longer than the file, or than the format allows, is refused")
    func headerLength() throws {
        let path = try file(header: "{}", length: 500)
        #expect(throws: CheckpointError.invalidHeader(path, .headerBeyondFile(headerBytes: 500, fileBytes: 10))) {
            try SafeTensors(path)
        }
        _ = try file(header: "{}", length: .max)
        #expect(throws: CheckpointError.invalidHeader(path, .headerTooLong(bytes: .max, limit: 100_000_000))) {
            try SafeTensors(path)
        }
        try directory.write([1, 2, 3], to: "model.safetensors")
        #expect(throws: CheckpointError.invalidHeader(path, .tooShort(bytes: 3))) { try SafeTensors(path) }
    }

    @Test("every truncation of a good file, and every changed byte of its header, is refused or read, never a crash")
    func damage() throws {
        let path = directory("whole.safetensors")
        try SafeTensors.write([("weight", Tensor([2, 2], [1, 2, 3, 4])), ("bias", Tensor([2], [5, 6]))], to: path)
        let bytes = try #require(contents(of: path))
        for count in 0..<bytes.count {
            let damaged = try directory.write(Array(bytes[..<count]), to: "damaged.safetensors")
            #expect(throws: CheckpointError.self) { try SafeTensors(damaged) }
        }
        let random = RandomSource(seed: 9)
        for _ in 0..<500 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count - 24))] = UInt8(truncatingIfNeeded: random.next())
            let damaged = try directory.write(changed, to: "damaged.safetensors")
            guard let tensors = try? SafeTensors(damaged) else { continue }
            for entry in tensors.entries { _ = try? tensors.tensor(entry) }
        }
    }

    @Test("a file that is not there says so")
    func missing() {
        let path = directory("absent.safetensors")
        #expect(throws: CheckpointError.unreadable(path, .noSuchFileOrDirectory)) { try SafeTensors(path) }
    }
}
