/// Unicode's four normalization forms, with the reference's alignments.
///
/// Source: Unicode Standard Annex #15; the changes per code point are those of unicode-normalization-alignments 0.1.
enum UnicodeForm: Sendable {
    case canonicalDecomposition
    case canonicalComposition
    case compatibilityDecomposition
    case compatibilityComposition

    var isCompatibility: Bool { self == .compatibilityDecomposition || self == .compatibilityComposition }
    var composes: Bool { self == .canonicalComposition || self == .compatibilityComposition }
}

extension AlignedText {
    mutating func normalize(_ form: UnicodeForm) {
        // Below U+00C0 only compatibility forms change anything, and below U+00A0 none does.
        if bytes.allSatisfy({ $0 < 0x80 }) { return }
        let decomposed = decomposition(compatibility: form.isCompatibility)
        let result = form.composes ? Self.compose(decomposed) : decomposed
        rewrite { rewriter, _ in
            for item in result { rewriter.emit(item.scalar, change: item.change) }
        }
    }

    struct Change {
        var scalar: UInt32
        var change: Int
        var combiningClass: UInt8
    }

    /// The decomposed code points in canonical order.
    private func decomposition(compatibility: Bool) -> [Change] {
        var result: [Change] = []
        result.reserveCapacity(bytes.count)
        let span = bytes.span
        var i = 0
        /// Where the current run of code points with a combining class begins.
        var runStart = 0
        func sortRun() {
            // Stable: most runs have one or two members.
            var j = runStart + 1
            while j < result.count {
                let item = result[j]
                var k = j
                while k > runStart, result[k - 1].combiningClass > item.combiningClass {
                    result[k] = result[k - 1]
                    k -= 1
                }
                result[k] = item
                j += 1
            }
        }
        while i < span.count {
            let (scalar, length) = UTF8Code.decode(span, at: i)
            i += length
            let parts = NormalizationData.decomposition(scalar, compatibility: compatibility)
            var change = 0
            for part in parts.isEmpty ? [scalar] : parts {
                let combiningClass = NormalizationData.combiningClass(part)
                if combiningClass == 0 {
                    sortRun()
                    result.append(Change(scalar: part, change: change, combiningClass: 0))
                    runStart = result.count
                } else {
                    result.append(Change(scalar: part, change: change, combiningClass: combiningClass))
                }
                change = 1
            }
        }
        sortRun()
        return result
    }

    /// Canonical composition of decomposed code points. What is composed away counts as removed.
    private static func compose(_ items: [Change]) -> [Change] {
        var result: [Change] = []
        result.reserveCapacity(items.count)
        var starter: Int?
        /// The class of the last code point after the starter that stayed; `nil` while none did.
        var lastClass: UInt8?
        for item in items {
            if let starter, lastClass.map({ $0 < item.combiningClass }) ?? true,
                let composed = NormalizationData.composition(result[starter].scalar, item.scalar)
            {
                result[starter].scalar = composed
                result[starter].change += item.change - 1
                continue
            }
            if item.combiningClass == 0 {
                starter = result.count
                lastClass = nil
            } else {
                lastClass = item.combiningClass
            }
            result.append(item)
        }
        return result
    }
}
