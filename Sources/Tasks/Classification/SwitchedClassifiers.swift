public import Checkpoints
public import Embeddings
import JSON
import SystemPackage
public import Tensors
import Transformer

/// Classifiers that share one encoder: each has an adapter and a head of its own, and takes the place of another
/// without the base being read again. Memory holds the base once, laid out for the adapter that is active.
///
/// Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", §1: one base, a module a task.
public final class SwitchedClassifiers {
    /// By which a text names its adapter.
    public let names: [String]
    public let classifiers: [SequenceClassifier]
    /// The encoder's adapter of each classifier.
    private let adapterNames: [String?]
    private let encoder: TransformerEncoder
    private var precision = Precision.f32
    /// The classifier that is laid out for inference.
    private var frozen: Int?

    /// Reads a base once, and the adapters that were made for it: PEFT's and AdapterHub's.
    ///
    /// - Parameters:
    ///   - adapters: directories, by different names.
    ///   - base: no adapter itself.
    /// - Throws: `otherBase` for an adapter that was trained on another model.
    public init(_ adapters: [(name: String, directory: ModelDirectory)], on base: ModelDirectory) throws(ModelError) {
        precondition(Set(adapters.map(\.name)).count == adapters.count, "names that are not different")
        let setups = try adapters.map { _, directory throws(ModelError) in try Self.setup(directory, base) }
        // What the weights are is read once for all.
        try base.checkIsBase(of: zip(adapters, setups).flatMap { $1?.directories ?? [$0.directory] })
        let checkpoint = try OpenedCheckpoint(base)
        try checkpoint.requireModel(for: "classify --switch-adapters")
        let pretrained = try checkpoint.encoder()
        let architecture = checkpoint.architecture
        try loading { () throws(CheckpointError) in
            try checkpoint.source.checkAllUsed {
                architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) || architecture.isPooler($0)
            }
        }
        encoder = pretrained.encoder
        names = adapters.map(\.name)
        var classifiers: [SequenceClassifier] = []
        var adapterNames: [String?] = []
        for ((_, directory), setup) in zip(adapters, setups) {
            let classifier =
                if let setup { try SequenceClassifier(setup, on: pretrained) } else {
                    try SequenceClassifier(directory, on: pretrained)
                }
            classifiers.append(classifier)
            adapterNames.append(encoder.activeAdapter?.name)
        }
        self.classifiers = classifiers
        self.adapterNames = adapterNames
    }

    /// What a directory has of AdapterHub's; `nil` where that is PEFT's.
    private static func setup(
        _ directory: ModelDirectory, _ base: ModelDirectory
    ) throws(ModelError) -> AdapterHubSetup? {
        let setup = try loading { () throws(CheckpointError) in
            try AdapterHubSetup.isPresent(in: directory) ? try AdapterHubSetup(directory) : nil
        }
        if setup == nil, try OpenedAdapter(directory, on: base) == nil { throw .isNoAdapter(directory.path) }
        return setup
    }

    /// The base of a directory with an adapter; `nil` of a model.
    public static func base(of directory: ModelDirectory) throws(ModelError) -> ModelDirectory? {
        if let (_, base) = try AdapterHubSetup.open(directory) { return base }
        return try OpenedAdapter(directory)?.base
    }

    /// Changes how each classifier is used, while its adapter is the active one.
    public func forEach<Failure: Error>(_ body: (SequenceClassifier) throws(Failure) -> Void) throws(Failure) {
        for (index, classifier) in classifiers.enumerated() {
            activate(index)
            try body(classifier)
        }
    }

    /// Lays the base out for inference with the first adapter, where there is memory for it.
    ///
    /// - Parameter precision: of the encoder's products, which is available.
    public func freeze(_ precision: Precision = .f32) throws(ModelError) {
        self.precision = precision
        activate(0)
        try classifiers[0].freezeIfThereIsRoom(precision)
        frozen = 0
    }

    /// The scores of each text by the classifier that is chosen for it, in the order of the texts. Those of one
    /// classifier are computed together, so that there are no more switches than classifiers.
    ///
    /// - Parameter choices: for each text, an index of `classifiers`.
    /// - Precondition: `freeze` was called.
    public func scores(of inputs: [InputText], by choices: [Int]) -> [[Float]] {
        var scores = [[Float]](repeating: [], count: inputs.count)
        let order = ((frozen.map { [$0] } ?? []) + classifiers.indices.filter { $0 != frozen })
        for index in order {
            let places = choices.indices.filter { choices[$0] == index }
            if places.isEmpty { continue }
            let classifier = use(index)
            let rows = classifier.scores(classifier.logits(of: places.map { inputs[$0] }))
            for (row, place) in places.enumerated() { scores[place] = Array(rows.row(row)) }
        }
        return scores
    }

    private func use(_ index: Int) -> SequenceClassifier {
        if frozen != index {
            activate(index)
            classifiers[index].freeze(precision)
            frozen = index
        }
        return classifiers[index]
    }

    private func activate(_ index: Int) {
        if let frozen, frozen != index {
            classifiers[frozen].thaw()
            self.frozen = nil
        }
        do { try encoder.activate(named: adapterNames[index]) } catch {
            preconditionFailure("an adapter that was attached is not there: \(error)")
        }
    }
}
