/// Tokenized texts, to be read in any order.
public struct TokenizedTexts: RandomAccessCollection, Sendable {
    private let texts: [TokenizedText]

    public init(_ texts: [TokenizedText]) { self.texts = texts }

    public var startIndex: Int { 0 }
    public var endIndex: Int { texts.count }
    public subscript(index: Int) -> TokenizedText { texts[index] }

    /// The number of tokens of a text, which is not read for it.
    public func length(_ index: Int) -> Int { texts[index].count }

    /// The number of tokens of every text.
    public var lengths: [Int] { indices.map(length) }
}
