public import ArgumentParser
public import Embeddings
public import Tasks

/// Which loss `adapt` makes smaller, and its settings.
struct SentenceObjectiveOptions: ParsableArguments {
    @Option(
        help: """
            The loss. Of anchors with positives and, where there are, negatives: mnr. Of pairs with scores: cosent, angle, \
            cosine. Of pairs with 0 and 1: contrastive, contrastive-online. Of anchors, positives and negatives: \
            triplet. Of texts with labels: batch-all, batch-hard, batch-hard-soft-margin, batch-semi-hard. Of pairs \
            with labels: softmax. Of texts alone: simcse, tsdae. With --teacher: distill, margin-distill.
            """)
    var loss: SentenceObjective.Loss

    @Option(help: "What similarities are multiplied by, with mnr, simcse, cosent and angle (default: 20).")
    var scale: Double?

    @Option(help: "How far apart texts are to be, with contrastive losses (default: 0.5) and triplets (default: 5).")
    var margin: Double?

    @Option(
        help:
            "How far apart vectors of triplets are: \(VectorDistance.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var distance = VectorDistance.euclidean

    @Flag(help: "With mnr: positives are to find their anchors, too.")
    var symmetric = false

    @Option(
        help: ArgumentHelp(
            "Make vectors that may be cut: the sum of the loss over these numbers of columns.",
            valueName: "384,256,128"))
    var matryoshka: String?

    @Option(help: ArgumentHelp("What the loss of each of them counts (default: 1 for all).", valueName: "1,1,2"))
    var matryoshkaWeights: String?

    @Option(help: "With tsdae: the share of words that are left out of a text (default: 0.6).")
    var deleteRatio: Double?

    @Option(help: "With distill and margin-distill: the model whose vectors are learned.", completion: .directory)
    var teacher: String?

    @Option(
        help: """
            The label of texts that belong together, such as entailment: with contrastive losses it counts 1 and the \
            others 0; with mnr the others are left out.
            """)
    var positiveLabel: String?

    @Option(help: "With mnr: leave out pairs with a lower score.")
    var minimumScore: Double?

    /// Refuses what does not go together.
    func check(batchSize: Int) throws {
        if let scale { try require(scale > 0 && scale.isFinite, "--scale", scale, "a number above 0") }
        if let margin { try require(margin >= 0 && margin.isFinite, "--margin", margin, "a number of at least 0") }
        let triplets: [SentenceObjective.Loss] = [
            .triplet, .batchAll, .batchHard, .batchHardSoftMargin, .batchSemiHard,
        ]
        try refuse(
            scale != nil && ![.mnr, .simcse, .cosent, .angle].contains(loss),
            "--scale is for --loss mnr, simcse, cosent and angle.")
        try refuse(
            margin != nil
                && (!(triplets + [.contrastive, .contrastiveOnline]).contains(loss) || loss == .batchHardSoftMargin),
            "--margin is for contrastive losses and triplets with a margin.")
        try refuse(distance != .euclidean && !triplets.contains(loss), "--distance is for triplets.")
        try refuse(
            distance == .manhattan && loss != .triplet, "--distance manhattan is for --loss triplet.")
        if let deleteRatio {
            try require((0..<1).contains(deleteRatio), "--delete-ratio", deleteRatio, "0 to below 1")
        }
        try refuse(deleteRatio != nil && loss != .tsdae, "--delete-ratio is for --loss tsdae.")
        try refuse(symmetric && loss != .mnr, "--symmetric is for --loss mnr.")
        try refuse(
            (loss == .distill && teacher == nil), "--loss distill learns from a model: name it with --teacher.")
        try refuse(
            teacher != nil && loss != .distill && loss != .marginDistill,
            "--teacher is for --loss distill and margin-distill.")
        try refuse(
            positiveLabel != nil && ![.mnr, .contrastive, .contrastiveOnline].contains(loss),
            "--positive-label is for --loss mnr, contrastive and contrastive-online.")
        try refuse(minimumScore != nil && loss != .mnr, "--minimum-score is for --loss mnr.")
        if triplets.contains(loss), loss != .triplet, batchSize < 4 || batchSize % 2 == 1 {
            throw ValidationError(
                "--batch-size is \(batchSize); batches of labelled texts have an even number, at least 4.")
        }
        try checkMatryoshka()
    }

    private func checkMatryoshka() throws {
        guard let matryoshka else {
            return try refuse(matryoshkaWeights != nil, "--matryoshka-weights is for --matryoshka.")
        }
        try require(
            dimensions.count == Self.parts(matryoshka).count && dimensions.allSatisfy { $0 > 0 }, "--matryoshka",
            matryoshka, "numbers with commas between them")
        try refuse(
            [.softmax, .distill, .tsdae].contains(loss), "--matryoshka does not go with --loss \(loss.rawValue).")
        if let text = matryoshkaWeights {
            try require(
                weights?.count == dimensions.count && Self.parts(text).count == dimensions.count
                    && weights?.allSatisfy { $0 > 0 && $0.isFinite } == true, "--matryoshka-weights", text,
                "a number above 0 for each of --matryoshka")
        }
    }

    private static func parts(_ text: String) -> [Substring] {
        text.split(separator: ",", omittingEmptySubsequences: false)
    }

    private var dimensions: [Int] { (matryoshka ?? "").split(separator: ",").compactMap { Int($0) } }
    private var weights: [Double]? { matryoshkaWeights?.split(separator: ",").compactMap { Double($0) } }

    var objective: SentenceObjective {
        var objective = SentenceObjective(loss)
        objective.scale = scale
        objective.margin = margin
        objective.distance = distance
        objective.isSymmetric = symmetric
        objective.deleteRatio = deleteRatio
        objective.dimensions = dimensions
        objective.dimensionWeights = weights
        return objective
    }

    var selection: SentenceExamples.Selection {
        SentenceExamples.Selection(positiveLabel: positiveLabel, minimumScore: minimumScore)
    }
}

extension SentenceObjective.Loss: ExpressibleByArgument {}
extension VectorDistance: ExpressibleByArgument {}
