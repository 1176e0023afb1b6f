import JSON
public import Tokenizers

/// Input lines to records with their tokens.
public struct TokenRecords {
    private let tokenizer: Tokenizer
    private let truncation: Truncation?
    private let showsIDsOnly: Bool

    /// - Parameter truncation: `nil` keeps every token.
    public init(_ tokenizer: Tokenizer, truncation: Truncation?, showsIDsOnly: Bool = false) {
        self.tokenizer = tokenizer
        self.truncation = truncation
        self.showsIDsOnly = showsIDsOnly
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let records = usable.map { input in members(of: input) }
        return usable.records { place, writer in
            for (key, value) in records[place] {
                writer.key(key)
                writer.write(value)
            }
        }
    }

    private func members(of input: InputText) -> [(String, JSON)] {
        func integers(_ values: some Sequence<some BinaryInteger>) -> JSON { .array(values.map { .integer(Int($0)) }) }
        let encoding = tokenizer.encode(input.text, pair: input.pair, truncation: truncation)
        var members = [("ids", integers(encoding.ids))]
        if showsIDsOnly { return members }
        members.append(("tokens", .array(encoding.tokens.map { .string($0) })))
        members.append(
            ("offsets", .array(encoding.offsets.map { integers([$0.lowerBound, $0.upperBound]) })))
        if input.pair != nil { members.append(("type_ids", integers(encoding.typeIDs))) }
        return members
    }
}
