/// Tokenized texts by their index, in memory or in a file, and views of some of them.
public struct TokenizedTexts: RandomAccessCollection, Sendable {
    private enum Storage: Sendable {
        case memory([TokenizedText])
        case file(TokenFile)
    }
    private let storage: Storage
    /// The rows of the storage that are seen, in this order; `nil`: all.
    private let rows: [Int32]?

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
        return switch storage {
        case .memory(let texts): texts[row]
        case .file(let file): file[row]
        }
    }

    /// The number of tokens of one text, without reading it.
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
        TokenizedTexts(storage, rows: indices.map { rows?[$0] ?? Int32($0) })
    }
}
