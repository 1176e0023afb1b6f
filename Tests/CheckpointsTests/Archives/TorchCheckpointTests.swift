import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("TorchCheckpoint")
struct TorchCheckpointTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private static let golden = Golden.directory("checkpoints")

    private func read(_ bytes: [UInt8]) throws -> TorchCheckpoint {
        try TorchCheckpoint(directory.write(bytes, to: "pytorch_model.bin"))
    }

    private func fault(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> TorchFault? {
        do {
            _ = try read(bytes)
            return nil
        } catch CheckpointError.invalidTorch(_, let fault) { return fault } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
            return nil
        }
    }

    /// Reads a pickle as the zip form's `data.pkl`.
    private func fault(pickle: [UInt8], storage: [UInt8] = [UInt8](repeating: 0, count: 16)) -> TorchFault? {
        fault(ZipFile([("a/data.pkl", pickle), ("a/data/0", storage)]).bytes)
    }

    // MARK: Pickles

    private static let system = Array("cos\nsystem\n".utf8)
    private static let hostile: [(String, [UInt8], named: String)] = [
        ("GLOBAL and REDUCE", system + Array("(X\u{2}\0\0\0lstR.".utf8), "os.system"),
        (
            "STACK_GLOBAL", Array("\u{8C}\u{5}posix\u{8C}\u{6}system\u{93}.".unicodeScalars.map { UInt8($0.value) }),
            "posix.system"
        ),
        ("INST", Array("(ios\nsystem\n.".utf8), "os.system"),
        ("OBJ", Array("(ccollections\nOrderedDict\no.".utf8), "an object (OBJ)"),
        ("NEWOBJ", Array("ccollections\nOrderedDict\n)".utf8) + [0x81], "an object (NEWOBJ)"),
        ("NEWOBJ_EX", Array("ccollections\nOrderedDict\n)}".utf8) + [0x92], "an object (NEWOBJ_EX)"),
        ("BUILD", Array(")}b.".utf8), "the state of an object (BUILD)"),
        ("EXT1", [0x82, 1], "a registered extension (EXT)"),
        ("eval", Array("c__builtin__\neval\n.".utf8), "__builtin__.eval"),
        ("load from bytes", Array("ctorch.storage\n_load_from_bytes\n.".utf8), "torch.storage._load_from_bytes"),
        (
            "a storage of any size", Array("ctorch\nFloatStorage\nJ\u{1}\0\0\0".utf8) + [0x85] + Array("R.".utf8),
            "torch"
        ),
        (
            "a module's source", Array("(X\u{6}\0\0\0modulectorch\nFloatStorage\ntQ.".utf8),
            "the source code of a module"
        ),
        ("an object that is no tensor", Array("NQ.".utf8), "an object of another file"),
    ]

    @Test("a pickle that would run code is refused by name", arguments: hostile.indices)
    func refusal(index: Int) {
        let (title, pickle, name) = Self.hostile[index]
        guard case .refused(let what, _) = fault(pickle: [0x80, 2] + pickle) else {
            Issue.record("\(title) was not refused: \(String(describing: fault(pickle: [0x80, 2] + pickle)))")
            return
        }
        #expect(what.contains(name) || name == "torch", "\(title): \(what)")
    }

    private static let greedy: [(String, [UInt8])] = [
        ("BINBYTES8 of 2^63", [0x8E, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ("BINUNICODE8 of 2^40", [0x8D, 0, 0, 0, 0, 0, 1, 0, 0]),
        ("BYTEARRAY8 of 2^40", [0x96, 0, 0, 0, 0, 0, 1, 0, 0]),
        ("BINUNICODE of 4 GB", [UInt8(ascii: "X"), 0xFF, 0xFF, 0xFF, 0xFF]),
        ("LONG4 of 2 GB", [0x8B, 0xFF, 0xFF, 0xFF, 0x7F]),
        ("LONG4 of a negative size", [0x8B, 0, 0, 0, 0x80]),
        ("BINSTRING of a negative size", [UInt8(ascii: "T"), 0, 0, 0, 0x80]),
        ("a frame of 2^63", [0x95, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ("a memo that nobody wrote", [UInt8(ascii: "j"), 0xFF, 0xFF, 0xFF, 0x7F]),
        ("an empty stack", [UInt8(ascii: "0")]), ("a tuple of nothing", [0x87]), ("no mark", [UInt8(ascii: "t")]),
        ("an item without a dictionary", Array("]NNs.".utf8)), ("a key without a value", Array("(Nd.".utf8)),
        ("an element without a list", Array("}Na.".utf8)), ("below a mark", Array("N(0".utf8)),
        ("no name's end", Array("cos".utf8)), ("text of protocol 0", Array("I1\n.".utf8)), ("nothing", []),
    ]

    @Test("a pickle that claims what it has not is refused without the memory", arguments: greedy.indices)
    func claims(index: Int) {
        let (title, pickle) = Self.greedy[index]
        switch fault(pickle: [0x80, 2] + pickle) {
        case .truncated, .malformed: break
        case let other: Issue.record("\(title): \(String(describing: other))")
        }
    }

    @Test("a memo index of 2^32 - 1 costs no memory, and nesting no stack")
    func depth() {
        #expect(
            fault(pickle: [0x80, 2] + Array("N".utf8) + [UInt8(ascii: "r"), 0xFF, 0xFF, 0xFF, 0xFF] + Array(".".utf8))
                == .noTensors)
        let nested =
            [UInt8](repeating: UInt8(ascii: "]"), count: 100_000) + [UInt8](repeating: UInt8(ascii: "a"), count: 99_999)
        #expect(fault(pickle: [0x80, 2] + nested + [UInt8(ascii: ".")]) == .noTensors)
        let endless = [0x80, 2] + [UInt8](repeating: UInt8(ascii: "N"), count: 3 << 20)
        guard case .tooLarge = fault(pickle: endless) else {
            Issue.record("three million operations were run")
            return
        }
    }

    // MARK: Tensors

    /// `{"w": a view of storage 0, which has four values}`
    private func state(
        count: UInt8 = 4, offset: UInt8 = 0, sizes: [UInt8], strides: [UInt8], metadata: String = ""
    ) -> [UInt8] {
        func integers(_ values: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = [UInt8(ascii: "(")]
            for value in values { bytes += [UInt8(ascii: "K"), value] }
            return bytes + [UInt8(ascii: "t")]
        }
        var bytes: [UInt8] = [0x80, 2]
        bytes += Array("}X\u{1}\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(".utf8)
        bytes += Array("(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\0".utf8)
        bytes += Array("0X\u{3}\0\0\0cpuK".utf8)
        bytes += [count]
        bytes += Array("tQK".utf8)
        bytes += [offset]
        bytes += integers(sizes)
        bytes += integers(strides)
        bytes += [0x89]
        return bytes + Array("ccollections\nOrderedDict\n)R\(metadata)tRs.".utf8)
    }

    @Test("views inside their storage are read, all others refused")
    func views() throws {
        #expect(fault(pickle: state(sizes: [2, 2], strides: [2, 1])) == nil)
        #expect(fault(pickle: state(offset: 1, sizes: [3], strides: [1])) == nil)
        #expect(fault(pickle: state(sizes: [0, 255], strides: [255, 1])) == nil)
        let outside = TorchFault.outsideStorage(name: "w")
        #expect(fault(pickle: state(offset: 1, sizes: [2, 2], strides: [2, 1])) == outside)
        #expect(fault(pickle: state(sizes: [2, 2], strides: [3, 1])) == outside)
        #expect(fault(pickle: state(sizes: [5], strides: [1])) == outside)
        #expect(fault(pickle: state(sizes: [2, 2], strides: [1])) == outside)
        #expect(fault(pickle: state(offset: 4, sizes: [1], strides: [1])) == outside)
        #expect(
            fault(pickle: state(count: 5, sizes: [1], strides: [1]))
                == .storageSize(key: "0", bytes: 16, expected: 20))
        #expect(
            fault(ZipFile([("a/data.pkl", state(sizes: [1], strides: [1]))]).bytes)
                == .missingStorage(key: "0", name: "w"))
    }

    @Test("a tensor that is to be negated is refused, not read with the wrong sign")
    func metadata() {
        for none in ["", "N", "}"] {
            #expect(fault(pickle: state(sizes: [4], strides: [1], metadata: none)) == nil)
        }
        guard case .metadata = fault(pickle: state(sizes: [4], strides: [1], metadata: "}X\u{3}\0\0\0negK\u{1}s"))
        else {
            Issue.record("metadata was read over")
            return
        }
    }

    @Test("a dictionary that is named many times is looked through once", .timeLimit(.minutes(1)))
    func repeatedDictionary() {
        let count = 300_000
        // A dictionary of many strings, remembered as 1; then one in which it is the "model" as often, remembered as 2.
        var pickle: [UInt8] = [0x80, 2] + Array("}q\u{1}(".utf8)
        for _ in 0..<count { pickle += Array("NN".utf8) }
        pickle += Array("u0}(X\u{5}\0\0\0modelq\u{2}h\u{1}".utf8)
        for _ in 1..<count { pickle += Array("h\u{2}h\u{1}".utf8) }
        #expect(fault(pickle: pickle + Array("u.".utf8)) == .noTensors)
    }

    @Test("a view that repeats its values beyond the file's size is refused")
    func repetition() {
        guard case .repeatedValues = fault(pickle: state(sizes: [255, 255, 255], strides: [0, 0, 0])) else {
            Issue.record("16 million values in 16 bytes")
            return
        }
        guard
            case .outsideStorage = fault(
                pickle: state(sizes: Array(repeating: 255, count: 9), strides: Array(repeating: 0, count: 9)))
        else {
            Issue.record("255^9 values")
            return
        }
    }

    @Test("a tensor of more dimensions than torch has is refused, so that one tuple used often takes no memory")
    func rank() {
        let ones = [UInt8](repeating: 1, count: 65)
        #expect(
            fault(pickle: state(sizes: ones, strides: ones)) == .tooLarge("a tensor has 65 dimensions", limit: 64))
        #expect(fault(pickle: state(sizes: ones.dropLast(), strides: ones.dropLast())) == nil)
    }

    // MARK: Containers

    @Test("a damaged or unusual zip archive is refused")
    func zip() {
        let pickle = state(sizes: [4], strides: [1])
        let data = [UInt8](repeating: 0, count: 16)
        let members = [("a/data.pkl", pickle), ("a/data/0", data)]
        #expect(fault(ZipFile(members).bytes) == nil)
        #expect(
            fault(ZipFile(members, method: 8).bytes) == .zip("member \"a/data.pkl\" is compressed; torch.save stores"))
        #expect(fault(ZipFile(members, flags: 1).bytes) == .zip("member \"a/data.pkl\" is encrypted"))
        #expect(
            fault(ZipFile(members, claimedSize: 1 << 30).bytes)
                == .zip("member \"a/data.pkl\" reaches beyond the archive (truncated?)"))
        #expect(fault(ZipFile(members, sharesFirst: true).bytes) == .zip("member \"a/data/0\" has two names"))
        #expect(fault(ZipFile(members + [("a/data/0", data)]).bytes) == .zip("two members are named \"a/data/0\""))
        #expect(fault(ZipFile(members + [("a/byteorder", Array("big".utf8))]).bytes) == .bigEndian)
        #expect(
            fault(ZipFile(members + [("a/constants.pkl", data)]).bytes)
                == .notTorch(found: "a TorchScript program (torch.jit.save)"))
        #expect(fault(ZipFile([("x", data)]).bytes) == .notTorch(found: "a zip archive without data.pkl"))
    }

    @Test("what torch.save did not write is named")
    func otherFiles() {
        #expect(fault([]) == .notTorch(found: "empty"))
        #expect(
            fault(Array("version https://git-lfs.github.com/spec/v1\n".utf8))
                == .notTorch(found: "a pointer of Git LFS, not the file itself"))
        #expect(fault([0x80, 2, 0x4B, 1, 0x2E]) == .notTorch(found: "another pickle"))
        #expect(fault([1, 2, 3]) == .notTorch(found: "another kind of file"))
    }

    @Test(
        "every truncation and many changed bytes of good files are refused or read, never a crash",
        arguments: ["plain-zip", "views-legacy", "training", "protocol-4"])
    func damage(name: String) throws {
        let bytes = try #require(contents(of: Self.golden.appending("\(name).bin")))
        for count in stride(from: 0, to: bytes.count, by: 17) {
            #expect(fault(Array(bytes[..<count])) != nil, "the first \(count) bytes")
        }
        let random = RandomSource(seed: 5)
        for _ in 0..<1500 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            guard let file = try? read(changed) else { continue }
            for entry in file.entries { _ = try? file.tensor(entry) }
        }
    }

    @Test("two state dicts in one file are refused")
    func ambiguous() {
        // {"model": {"w": t}, "state_dict": {"w": t}}: the inner dictionary is remembered and used twice.
        let inner = Array(state(sizes: [4], strides: [1]).dropFirst(2).dropLast())
        let pickle =
            [0x80, 2] + Array("}X\u{5}\0\0\0model".utf8) + inner + Array("q\u{1}sX\u{A}\0\0\0state_dicth\u{1}s.".utf8)
        #expect(fault(pickle: pickle) == .severalDictionaries(["model", "state_dict"]))
    }
}

/// A zip archive of stored members, in which single things may be wrong.
private struct ZipFile {
    private(set) var bytes: [UInt8] = []

    init(
        _ members: [(name: String, data: [UInt8])], method: Int = 0, flags: Int = 0, claimedSize: Int? = nil,
        sharesFirst: Bool = false
    ) {
        var directory: [UInt8] = []
        for (name, data) in members {
            let offset = sharesFirst ? 0 : bytes.count
            let size = Self.little(claimedSize ?? data.count, 4)
            var common = Self.little(flags, 2) + Self.little(method, 2)
            common += Self.little(0, 8) + size
            common += size + Self.little(name.utf8.count, 2)
            bytes += [0x50, 0x4B, 3, 4, 20, 0]
            bytes += common + [0, 0]
            bytes += Array(name.utf8) + data
            directory += [0x50, 0x4B, 1, 2, 20, 0, 20, 0]
            directory += common + Self.little(0, 12)
            directory += Self.little(offset, 4) + Array(name.utf8)
        }
        let start = bytes.count
        let count = Self.little(members.count, 2)
        bytes += directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        bytes += count + count
        bytes += Self.little(directory.count, 4) + Self.little(start, 4)
        bytes += [0, 0]
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
