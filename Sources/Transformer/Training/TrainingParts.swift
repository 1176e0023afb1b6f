/// Texts of a batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
package enum TrainingParts {
    /// Enough rows for the products to run at full speed, and few enough for their activations to stay small.
    package static let tokensPerPart = 768

    /// Texts that stand one behind the other, in as few parts as the bound allows. The longest of them is as short as can
    /// be: products with few rows are slow.
    ///
    /// - Parameter lengths: of the texts, in tokens.
    package static func of(lengths: [Int]) -> [Range<Int>] {
        let fewest = parts(of: lengths, upTo: tokensPerPart)
        guard fewest.count > 1 else { return fewest }
        var (tooFew, enough) = (lengths.reduce(0, +) / fewest.count - 1, tokensPerPart)
        while enough - tooFew > 1 {
            let middle = (tooFew + enough) / 2
            if parts(of: lengths, upTo: middle).count > fewest.count { tooFew = middle } else { enough = middle }
        }
        return parts(of: lengths, upTo: enough)
    }

    private static func parts(of lengths: [Int], upTo bound: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, tokens) = (0, 0)
        for (place, length) in lengths.enumerated() {
            if place > start, tokens + length > bound {
                parts.append(start..<place)
                (start, tokens) = (place, 0)
            }
            tokens += length
        }
        parts.append(start..<lengths.count)
        return parts
    }
}
