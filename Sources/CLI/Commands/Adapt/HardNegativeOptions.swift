import ArgumentParser
import Embeddings
import Tasks

/// How hard negatives are found for pairs.
struct HardNegativeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("With mnr and pairs: so many hard negatives for each, found by the model.", valueName: "n"))
    var mineNegatives: Int?

    @Option(
        help: ArgumentHelp(
            "Which of the nearest texts are candidates (default: 0-100, all of the first hundred).",
            valueName: "from-to"))
    var negativeRange: String?

    @Option(help: "Leave out candidates that are not so much less alike than the pair's own text.")
    var negativeMargin: Float?

    @Option(help: "Leave out candidates that are not less alike by this share of the own text's cosine.")
    var negativeRelativeMargin: Float?

    @Option(help: "Leave out candidates whose cosine is larger.")
    var negativeMaximum: Float?

    @Option(help: "Leave out candidates whose cosine is smaller.")
    var negativeMinimum: Float?

    @Flag(help: "Draw negatives from the candidates instead of taking the nearest.")
    var randomNegatives = false

    func check(_ loss: SentenceObjective.Loss) throws {
        guard let mineNegatives else {
            let isAsked =
                negativeRange != nil || randomNegatives
                || [negativeMargin, negativeRelativeMargin, negativeMaximum, negativeMinimum].contains { $0 != nil }
            return try refuse(isAsked, "What negatives are found is for --mine-negatives.")
        }
        try require((1...14).contains(mineNegatives), "--mine-negatives", mineNegatives, "1 to 14")
        try refuse(loss != .mnr, "--mine-negatives is for --loss mnr.")
        for (option, value) in [
            ("--negative-margin", negativeMargin), ("--negative-relative-margin", negativeRelativeMargin),
            ("--negative-maximum", negativeMaximum), ("--negative-minimum", negativeMinimum),
        ] { if let value { try require(value.isFinite, option, value, "a number") } }
        if let negativeRange {
            try require(
                range.map { $0.first + mineNegatives <= $0.last } == true, "--negative-range", negativeRange,
                "two numbers as in 10-100, with room for --mine-negatives between them")
        }
    }

    private var range: (first: Int, last: Int)? {
        guard let negativeRange else { return (0, 100) }
        let parts = negativeRange.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        return parts.count == 2 && numbers.count == 2 && numbers[0] >= 0 && numbers[1] <= 10_000
            ? (numbers[0], numbers[1]) : nil
    }

    var mining: HardNegativeMining? {
        guard let mineNegatives, let range else { return nil }
        var mining = HardNegativeMining(count: mineNegatives)
        (mining.first, mining.last) = range
        mining.margin = negativeMargin
        mining.relativeMargin = negativeRelativeMargin
        mining.largestCosine = negativeMaximum
        mining.smallestCosine = negativeMinimum
        mining.isRandom = randomNegatives
        return mining
    }
}
