/// The second stage of the pipeline: cuts a normalized text into words.
///
/// Source: Hugging Face tokenizers 0.23.3, `pre_tokenizers`.
indirect enum PreTokenizer: Sendable {
    case bert
    case byteLevel(addPrefixSpace: Bool, usesPattern: Bool)
    case delimiter(UInt32)
    case metaspace(Metaspace)
    /// Runs of word code points, and runs of others that are not white space.
    case whitespace
    case whitespaceSplit
    case split(Pattern, DelimiterBehavior, inverts: Bool)
    case punctuation(DelimiterBehavior)
    case digits(individual: Bool)
    case unicodeScripts
    case fixedLength(Int)
    case sequence([PreTokenizer])

    func apply(_ splits: inout [Split]) {
        switch self {
        case .bert:
            PreTokenizer.whitespaceSplit.apply(&splits)
            PreTokenizer.punctuation(.isolated).apply(&splits)
        case .byteLevel(let addPrefixSpace, let usesPattern):
            splits.splitEach { text in
                if addPrefixSpace, text.bytes.first != 0x20 { text.prepend([0x20]) }
                guard usesPattern else { return [0..<text.bytes.count] }
                var ranges: [Range<Int>] = []
                let bytes = text.bytes
                ByteLevelSplitting.forEachWord(bytes.span, 0..<bytes.count) {
                    ranges.append($0)
                    return true
                }
                return ranges
            }
            for i in splits.indices where splits[i].addedTokenID == nil { ByteLevelAlphabet.encode(&splits[i].text) }
        case .delimiter(let delimiter):
            splits.splitEach { DelimiterBehavior.removed.cut($0.ranges(delimitedBy: { $0 == delimiter })) }
        case .metaspace(let metaspace): metaspace.apply(&splits)
        case .whitespace: splits.splitEach { Self.wordRanges($0.bytes) }
        case .whitespaceSplit:
            splits.splitEach {
                DelimiterBehavior.removed.cut($0.ranges(delimitedBy: { FrozenProperties($0).contains(.whitespace) }))
            }
        case .split(let pattern, let behavior, let inverts):
            splits.splitEach {
                behavior.cut(pattern.ranges(in: $0.bytes).map { ($0.range, $0.isMatch != inverts) })
            }
        case .punctuation(let behavior):
            splits.splitEach {
                behavior.cut($0.ranges(delimitedBy: { FrozenProperties($0).contains(.punctuation) }))
            }
        case .digits(let individual):
            let behavior = individual ? DelimiterBehavior.isolated : .contiguous
            splits.splitEach { behavior.cut($0.ranges(delimitedBy: { FrozenProperties($0).contains(.numeric) })) }
        case .unicodeScripts: splits.splitEach { ScriptRuns.ranges($0.bytes) }
        case .fixedLength(let length): splits.splitEach { Self.pieces(of: length, $0.bytes) }
        case .sequence(let members): for member in members { member.apply(&splits) }
        }
    }

    /// Whether what it does depends on where in the original text a part begins.
    var dependsOnOrigin: Bool {
        switch self {
        case .metaspace(let metaspace): metaspace.prependScheme == .first
        case .sequence(let members): members.contains(where: \.dependsOnOrigin)
        default: false
        }
    }

    private static func wordRanges(_ bytes: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var current: FrozenProperties?
        var i = 0
        while i < bytes.count {
            let (scalar, length) = UTF8Code.decode(bytes.span, at: i)
            let kind = FrozenProperties(scalar).intersection([.word, .whitespace])
            if kind != current {
                if let current, !current.contains(.whitespace) { result.append(start..<i) }
                start = i
                current = kind
            }
            i += length
        }
        if let current, !current.contains(.whitespace) { result.append(start..<i) }
        return result
    }

    private static func pieces(of length: Int, _ bytes: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var count = 0
        for i in bytes.indices where !UTF8Code.isContinuation(bytes[i]) {
            if count == length {
                result.append(start..<i)
                start = i
                count = 0
            }
            count += 1
        }
        result.append(start..<bytes.count)
        return result
    }
}

/// Shows blanks as a visible code point and cuts before it.
struct Metaspace: Sendable {
    enum PrependScheme: String, Sendable { case first, never, always }

    var replacement: UInt32 = 0x2581
    var prependScheme = PrependScheme.always
    var splits = true

    func apply(_ parts: inout [Split]) {
        var replacementBytes: [UInt8] = []
        UTF8Code.append(replacement, to: &replacementBytes)
        parts.splitEach { text in
            let blanks = text.bytes.indices.filter { text.bytes[$0] == 0x20 }.map { $0..<$0 + 1 }
            text.replace(blanks, with: replacementBytes)
            if prependScheme == .always || prependScheme == .first && text.originalStart == 0,
                !text.bytes.starts(with: replacementBytes)
            {
                text.prepend([replacement])
            }
            guard splits else { return [0..<text.bytes.count] }
            return DelimiterBehavior.mergedWithNext.cut(text.ranges(delimitedBy: { $0 == replacement }))
        }
    }
}

/// Cuts where the script changes. Kana and Han are one script, and blanks belong to any.
enum ScriptRuns {
    /// The number of each code point's script, 0 for any.
    private static let numbers: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 0x110000)
        let runs = FrozenTables.scripts
        for i in stride(from: 0, to: runs.count, by: 3) {
            for code in Int(runs[i])...Int(runs[i + 1]) { table[code] = UInt8(truncatingIfNeeded: runs[i + 2] + 1) }
        }
        return table
    }()

    static func ranges(_ bytes: [UInt8]) -> [Range<Int>] {
        var starts: [Int] = []
        var last: UInt8?
        var i = 0
        while i < bytes.count {
            let (scalar, length) = UTF8Code.decode(bytes.span, at: i)
            let script = numbers[Int(scalar)]
            if script != 0, last != script { starts.append(i) }
            if script != 0 { last = script }
            i += length
        }
        starts.append(bytes.count)
        return zip(starts, starts.dropFirst()).map { $0..<$1 }
    }
}
