/// Reads a pickle as torch.save writes it, protocols 2 to 5, without building anything but tensors and plain containers.
///
/// A pickle is a program for a stack machine. Here every call that the program asks for is one of five that this reader
/// knows (`TorchGlobal`); a program that asks for another one is refused by that name. Nothing recurses, and every
/// operation counts against a limit, so that memory stays below a fixed multiple of the pickle's size.
///
/// Source: CPython, Lib/pickletools.py, which describes every operation.
struct Pickle {
    static let protocols = 2...5
    static let operationLimit = 1 << 21
    /// Of a tensor's dimensions: a tuple may be used many times, but its copies must not add up.
    static let rankLimit = 64

    /// What a pickle holds.
    struct Contents {
        let root: PickleValue
        let objects: PickledObjects
        /// Where the pickle ends in the file.
        let end: Int
    }

    private var reader: ByteReader
    private var built = PickledObjects()
    private var stack: [PickleValue] = []
    /// The sizes of the stack at the open marks.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    private init(_ reader: ByteReader) { self.reader = reader }

    /// Reads the pickle at the beginning of a range.
    static func read(_ file: MappedFile, _ range: Range<Int>) throws(TorchFault) -> Contents {
        var pickle = Pickle(ByteReader(file, range))
        let root = try pickle.run()
        return Contents(root: root, objects: pickle.built, end: pickle.reader.offset)
    }

    private mutating func run() throws(TorchFault) -> PickleValue {
        let start = reader.offset
        guard try next(UInt8.self) == 0x80, Self.protocols.contains(Int(try next(UInt8.self))) else {
            throw .malformed("no pickle of protocol 2 to 5", offset: start)
        }
        for _ in 0..<Self.operationLimit {
            let offset = reader.offset
            let operation = try next(UInt8.self)
            if operation == UInt8(ascii: ".") { return try pop() }
            if try !pushLiteral(operation), try !buildContainer(operation), try !useMemo(operation) {
                try construct(operation, at: offset)
            }
        }
        throw .tooLarge("its pickle has more operations than a checkpoint needs", limit: Self.operationLimit)
    }

    // MARK: Literals

    private mutating func pushLiteral(_ operation: UInt8) throws(TorchFault) -> Bool {
        switch operation {
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try next(UInt8.self))))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try next(UInt16.self))))
        case UInt8(ascii: "J"): stack.append(.integer(Int(try next(Int32.self))))
        case 0x8A: stack.append(try long(Int(next(UInt8.self))))
        case 0x8B: stack.append(try long(Int(next(Int32.self))))
        case UInt8(ascii: "G"): stack.append(.number(Double(bitPattern: UInt64(bigEndian: try next(UInt64.self)))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.string(try text(Int(next(UInt8.self)))))
        case UInt8(ascii: "X"): stack.append(.string(try text(Int(next(UInt32.self)))))
        case UInt8(ascii: "T"): stack.append(.string(try text(Int(next(Int32.self)))))
        case 0x8D: stack.append(.string(try text(length64())))
        case UInt8(ascii: "C"): try skip(Int(next(UInt8.self)))
        case UInt8(ascii: "B"): try skip(Int(next(UInt32.self)))
        case 0x8E, 0x96: try skip(length64())
        case 0x95: _ = try length64()  // a frame: how much to read ahead
        default: return false
        }
        return true
    }

    /// An integer in two's complement of the given number of bytes.
    private mutating func long(_ length: Int) throws(TorchFault) -> PickleValue {
        let offset = reader.offset
        guard let bytes = reader.range(length) else { throw .truncated(offset: offset) }
        guard length <= 8 else { return .opaque }
        var value = 0
        for position in bytes.reversed() { value = value << 8 | Int(reader.file.integer(at: position, as: UInt8.self)) }
        let unused = 64 - 8 * length
        return .integer(length == 0 ? 0 : (value << unused) >> unused)
    }

    private mutating func text(_ length: Int) throws(TorchFault) -> String {
        let offset = reader.offset
        guard let bytes = reader.bytes(length) else { throw .truncated(offset: offset) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformed("a string that is not UTF-8", offset: offset)
        }
        return text
    }

    private mutating func skip(_ length: Int) throws(TorchFault) {
        guard reader.range(length) != nil else { throw .truncated(offset: reader.offset) }
        stack.append(.opaque)
    }

    private mutating func length64() throws(TorchFault) -> Int {
        let offset = reader.offset
        guard let length = Int(exactly: try next(UInt64.self)), length <= reader.remaining else {
            throw .truncated(offset: offset)
        }
        return length
    }

    private mutating func next<Value: FixedWidthInteger>(_ type: Value.Type) throws(TorchFault) -> Value {
        guard let value = reader.integer(type) else { throw .truncated(offset: reader.offset) }
        return value
    }

    // MARK: Containers

    private mutating func buildContainer(_ operation: UInt8) throws(TorchFault) -> Bool {
        switch operation {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: ")"): push(tuple: [])
        case 0x85, 0x86, 0x87: push(tuple: try pop(Int(operation) - 0x84))
        case UInt8(ascii: "t"): push(tuple: try popToMark())
        case UInt8(ascii: "]"): push(list: [])
        case UInt8(ascii: "l"): push(list: try popToMark())
        case UInt8(ascii: "a"): try extend(with: try pop(1))
        case UInt8(ascii: "e"): try extend(with: try popToMark())
        case UInt8(ascii: "}"): push(dictionary: [])
        case UInt8(ascii: "d"): push(dictionary: try pairs(try popToMark()))
        case UInt8(ascii: "s"): try insert(try pairs(try pop(2)))
        case UInt8(ascii: "u"): try insert(try pairs(try popToMark()))
        default: return false
        }
        return true
    }

    private mutating func push(tuple: [PickleValue]) {
        stack.append(.tuple(built.sequences.count))
        built.sequences.append(tuple)
    }

    private mutating func push(list: [PickleValue]) {
        stack.append(.list(built.sequences.count))
        built.sequences.append(list)
    }

    private mutating func push(dictionary: [(key: PickleValue, value: PickleValue)]) {
        stack.append(.dictionary(built.dictionaries.count))
        built.dictionaries.append(dictionary)
    }

    private mutating func extend(with values: [PickleValue]) throws(TorchFault) {
        guard case .list(let index) = try top() else { throw malformed("an element without a list") }
        built.sequences[index] += values
    }

    private mutating func insert(_ pairs: [(key: PickleValue, value: PickleValue)]) throws(TorchFault) {
        guard case .dictionary(let index) = try top() else { throw malformed("an item without a dictionary") }
        built.dictionaries[index] += pairs
    }

    private func pairs(_ values: [PickleValue]) throws(TorchFault) -> [(key: PickleValue, value: PickleValue)] {
        guard values.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
        return stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
    }

    // MARK: Stack and memo

    private func top() throws(TorchFault) -> PickleValue {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw malformed("an empty stack") }
        return value
    }

    private mutating func pop() throws(TorchFault) -> PickleValue { try pop(1)[0] }

    private mutating func pop(_ count: Int) throws(TorchFault) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(TorchFault) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw malformed("no mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func useMemo(_ operation: UInt8) throws(TorchFault) -> Bool {
        switch operation {
        case UInt8(ascii: "q"): memo[Int(try next(UInt8.self))] = try top()
        case UInt8(ascii: "r"): memo[Int(try next(UInt32.self))] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): stack.append(try remembered(Int(next(UInt8.self))))
        case UInt8(ascii: "j"): stack.append(try remembered(Int(next(UInt32.self))))
        default: return false
        }
        return true
    }

    private func remembered(_ index: Int) throws(TorchFault) -> PickleValue {
        guard let value = memo[index] else { throw malformed("nothing remembered as \(index)") }
        return value
    }

    private func malformed(_ what: String) -> TorchFault { .malformed(what, offset: reader.offset) }

    // MARK: Construction

    private mutating func construct(_ operation: UInt8, at offset: Int) throws(TorchFault) {
        switch operation {
        case UInt8(ascii: "c"): try pushGlobal(module: line(), name: line(), at: offset)
        case 0x93:
            let names = try pop(2)
            guard case .string(let module) = names[0], case .string(let name) = names[1] else {
                throw malformed("a global without a name")
            }
            try pushGlobal(module: module, name: name, at: offset)
        case UInt8(ascii: "Q"): try pushStorage(at: offset)
        case UInt8(ascii: "R"):
            let operands = try pop(2)
            guard case .global(let global) = operands[0], case .tuple(let index) = operands[1] else {
                throw malformed("a call without a function and its arguments")
            }
            try call(global, built.sequences[index], at: offset)
        case UInt8(ascii: "b"):
            // The state of a dictionary is the `_metadata` that a module's state_dict carries: versions of layers.
            _ = try pop()
            guard case .dictionary = try top() else { throw .refused("the state of an object (BUILD)", offset: offset) }
        case UInt8(ascii: "i"): throw .refused("\(try line()).\(try line())", offset: offset)
        case UInt8(ascii: "o"): throw .refused("an object (OBJ)", offset: offset)
        case 0x81: throw .refused("an object (NEWOBJ)", offset: offset)
        case 0x92: throw .refused("an object (NEWOBJ_EX)", offset: offset)
        case 0x82, 0x83, 0x84: throw .refused("a registered extension (EXT)", offset: offset)
        default:
            throw .malformed(
                "operation 0x\(String(operation, radix: 16)), which torch.save has no use for,", offset: offset)
        }
    }

    private mutating func line() throws(TorchFault) -> String {
        let offset = reader.offset
        guard let line = reader.line() else { throw .malformed("a name without an end", offset: offset) }
        return line
    }

    private mutating func pushGlobal(module: String, name: String, at offset: Int) throws(TorchFault) {
        guard let global = TorchGlobal(module: module, name: name) else {
            throw .refused("\(module.prefix(100)).\(name.prefix(100))", offset: offset)
        }
        stack.append(.global(global))
    }

    private mutating func call(_ global: TorchGlobal, _ arguments: [PickleValue], at offset: Int) throws(TorchFault) {
        switch (global, arguments.first) {
        case (.orderedDict, nil): push(dictionary: [])
        case (.size, .tuple(let index)): stack.append(.tuple(index))
        case (.rebuildParameter, .tensor(let index)): stack.append(.tensor(index))
        case (.rebuildTensor, .storage(let index)):
            guard arguments.count >= 4, case .integer(let start) = arguments[1], let sizes = integers(arguments[2]),
                let strides = integers(arguments[3])
            else { throw .malformed("a tensor without sizes and strides", offset: offset) }
            guard max(sizes.count, strides.count) <= Self.rankLimit else {
                throw .tooLarge("a tensor has \(max(sizes.count, strides.count)) dimensions", limit: Self.rankLimit)
            }
            if arguments.count > 6, !isNothing(arguments[6]) { throw .metadata(offset: offset) }
            stack.append(.tensor(built.tensors.count))
            built.tensors.append(
                TorchTensor(storage: built.storages[index], offset: start, sizes: sizes, strides: strides))
        default: throw .refused("a call of \(global) with other arguments than torch.save writes", offset: offset)
        }
    }

    private func isNothing(_ value: PickleValue) -> Bool {
        if case .dictionary(let index) = value { built.dictionaries[index].isEmpty } else { value == .none }
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let index) = value else { return nil }
        let integers: [Int] = built.sequences[index].compactMap {
            if case .integer(let size) = $0 { size } else { nil }
        }
        return integers.count == built.sequences[index].count ? integers : nil
    }

    /// `("storage", type, key, device, count)`, in the legacy form with a sixth member: the part that a view covers.
    private mutating func pushStorage(at offset: Int) throws(TorchFault) {
        guard case .tuple(let index) = try pop() else { throw .refused("an object of another file", offset: offset) }
        let members = built.sequences[index]
        guard members.first == .string("storage") else {
            throw .refused("the source code of a module", offset: offset)
        }
        guard (5...6).contains(members.count), case .global(.storage(let dataType)) = members[1],
            case .string(let key) = members[2], case .integer(let count) = members[4], count >= 0
        else { throw .malformed("a storage that is not described as torch.save does", offset: offset) }
        guard members.count == 5 || members[5] == .none else {
            throw .refused("a part of a storage, as releases before 0.4 wrote it", offset: offset)
        }
        stack.append(.storage(built.storages.count))
        built.storages.append(TorchStorage(key: key, dataType: dataType, count: count))
    }
}
