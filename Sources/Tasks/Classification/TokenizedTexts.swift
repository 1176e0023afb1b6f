import Tensors

/// Tokenized texts by their index, in memory or in a file, and views of some of them.
public struct TokenizedTexts: RandomAccessCollection, Sendable {
    private enum Storage: Sendable {
        case memory([TokenizedText])
        case file(TokenFile)

        subscript(row: Int) -> TokenizedText {
            switch self {
            case .memory(let texts): texts[row]
            case .file(let file): file[row]
            }
        }
    }
    private let storage: Storage
    /// The rows of the storage that are seen, in this order; `nil`: all.
    private let rows: [Int32]?
    /// How texts are changed when they are read.
    private var changes: Changes?

    private struct Changes: Sendable {
        let augmentation: Augmentation
        /// As many texts as there are in the storage.
        let swapped: Storage?
        let special: Set<Int32>
        /// Of the run and of the epoch.
        let seed: UInt64
        var epochSeed: UInt64?
    }

    private init(_ storage: Storage, rows: [Int32]?) {
        self.storage = storage
        self.rows = rows
    }

    public init(_ texts: [TokenizedText]) { self.init(.memory(texts), rows: nil) }

    package init(_ file: TokenFile) { self.init(.file(file), rows: nil) }

    public var startIndex: Int { 0 }

    public var endIndex: Int {
        if let rows { return rows.count }
        return switch storage {
        case .memory(let texts): texts.count
        case .file(let file): file.count
        }
    }

    public subscript(index: Int) -> TokenizedText {
        let row = rows.map { Int($0[index]) } ?? index
        guard let changes, let seed = changes.epochSeed else { return storage[row] }
        return changes.augmentation.applied(
            to: storage[row], swapped: changes.swapped?[row], special: changes.special,
            random: RandomSource(seed: RandomSource(seed: seed &+ UInt64(row)).next()))
    }

    /// The number of tokens of one text, without reading it; an epoch's changes only make texts shorter.
    public func length(_ index: Int) -> Int {
        let row = rows.map { Int($0[index]) } ?? index
        return switch storage {
        case .memory(let texts): texts[row].count
        case .file(let file): file.length(row)
        }
    }

    public var lengths: [Int] { indices.map(length) }

    /// Some of the texts, without copying them.
    public func selecting(_ indices: some Collection<Int>) -> TokenizedTexts {
        var texts = TokenizedTexts(storage, rows: indices.map { rows?[$0] ?? Int32($0) })
        texts.changes = changes
        return texts
    }

    /// The same texts, which from now on are changed a little, anew in each epoch.
    ///
    /// - Parameters:
    ///   - swapped: the texts with other words, one for one and of the same lengths.
    ///   - special: tokens that stay.
    /// - Precondition: these are all texts of their file.
    public func augmented(
        by augmentation: Augmentation, swapped: TokenizedTexts?, special: Set<Int32>, seed: UInt64
    ) -> TokenizedTexts {
        precondition(rows == nil && swapped.map { $0.count == count } != false, "a view, or other texts")
        var texts = self
        texts.changes = Changes(
            augmentation: augmentation, swapped: swapped?.storage, special: special, seed: seed)
        return texts
    }

    /// The texts that epochs take other words from; `nil` where they take none.
    var swapped: TokenizedTexts? {
        changes?.swapped.map { TokenizedTexts($0, rows: rows) }
    }

    /// The texts as an epoch sees them; as they are where they are not augmented.
    public func inEpoch(_ epoch: Int) -> TokenizedTexts {
        var texts = self
        if let changes { texts.changes?.epochSeed = RandomSource(seed: changes.seed &+ UInt64(epoch)).next() }
        return texts
    }
}
