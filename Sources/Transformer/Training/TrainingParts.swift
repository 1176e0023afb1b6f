/// Texts of a batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
package enum TrainingParts {
    /// Enough rows for the products to run at full speed.
    package static let tokensPerPart = 1024

    /// Texts that stand one behind the other.
    ///
    /// - Parameter lengths: of the texts, in tokens.
    package static func of(lengths: [Int]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, tokens) = (0, 0)
        for (place, length) in lengths.enumerated() {
            if place > start, tokens + length > tokensPerPart {
                parts.append(start..<place)
                (start, tokens) = (place, 0)
            }
            tokens += length
        }
        parts.append(start..<lengths.count)
        return parts
    }
}
