import ArgumentParser
import Checkpoints
import Embeddings
import Tasks
import Tensors
import Transformer

/// What `finetune`'s bottleneck adapters are made of.
struct BottleneckOptions: ParsableArguments {
    @Option(
        help: """
            How many times smaller the bottleneck is than the hidden states (default: 16 for pfeiffer and houlsby, 2 for \
            parallel, 32 for compacter and compacter++).
            """)
    var reductionFactor: Double?

    @Option(help: "The name of the adapter in its files (default: task).")
    var adapterName: String?

    @Option(
        help: ArgumentHelp(
            "Layers without adapters, counted from 0 at the bottom, as in 0,1,2.", valueName: "layer,..."))
    var leaveOut: String?

    @Flag(help: "Leave out the adapters of some of the lowest layers in each step, at random (AdapterDrop).")
    var adapterDrop = false

    @Option(
        help: ArgumentHelp(
            "With --method fusion: the directories of the adapters that are fused.", valueName: "dir,..."))
    var adapters: String?

    /// Checks the options against the method.
    func check(_ method: FineTuning.Method) throws {
        if let factor = reductionFactor, !(factor > 0 && factor < 1e6) {
            throw ValidationError("--reduction-factor is \(factor); expected a number above 0.")
        }
        if let adapterName, adapterName.isEmpty || !adapterName.allSatisfy(Self.isPlain) {
            throw ValidationError("--adapter-name is \"\(adapterName)\"; expected letters, digits, - and _.")
        }
        if let leaveOut, layers == nil {
            throw ValidationError("--leave-out is \(leaveOut); expected numbers of layers, as in 0,1,2.")
        }
        let options = [
            ("--reduction-factor", reductionFactor != nil), ("--leave-out", leaveOut != nil),
            ("--adapter-name", adapterName != nil),
        ]
        for (option, isGiven) in options where isGiven && method.bottlenecks == nil {
            throw ValidationError("\(option) is for bottleneck adapters, not for --method \(method.rawValue).")
        }
        if adapterDrop, !method.hasBottlenecks {
            throw ValidationError("--adapter-drop is for bottleneck adapters, not for --method \(method.rawValue).")
        }
        if method == .fusion, (adapters?.split(separator: ",").count ?? 0) < 2 {
            throw ValidationError("--method fusion needs two adapters or more: --adapters DIR,DIR.")
        }
        if let twice = repeatedDirectory(adapters?.split(separator: ",").map(String.init) ?? []) {
            throw ValidationError("--adapters names \(twice) twice; an adapter is not fused with itself.")
        }
        if adapters != nil, method != .fusion { throw ValidationError("--adapters is for --method fusion.") }
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "-_".contains(character)
    }

    private var layers: [Int]? {
        let parts = (leaveOut ?? "").split(separator: ",")
        let numbers = parts.compactMap { Int($0) }.filter { $0 >= 0 }
        return parts.isEmpty || numbers.count < parts.count ? nil : numbers
    }

    /// Puts the method's adapters on the classifier's encoder.
    ///
    /// - Parameter random: initializes them.
    func attach(_ method: FineTuning.Method, to classifier: SequenceClassifier, random: RandomSource) throws {
        let encoder = classifier.encoder
        let source = ParameterSource(nil, random: random)
        if var kind = method.bottlenecks {
            if let factor = reductionFactor { kind.reductionFactor = .init(factor) }
            let count = encoder.layers.count
            if let layers {
                kind.leaveOut = layers
                if let layer = layers.first(where: { $0 >= count }) {
                    throw ValidationError("--leave-out names layer \(layer); the model has \(count), counted from 0.")
                }
                if Set(layers).count == count {
                    throw ValidationError("--leave-out names all layers: nothing would be left to learn.")
                }
            }
            try encoder.attach(.bottleneck(kind), name: adapterName ?? "task", from: source)
        }
        if let adapters {
            var names: [String] = []
            let found = try adapters.split(separator: ",").map { try ModelStore().resolve(String($0)) }
            try classifier.pretrained.directory.checkIsBase(of: found)
            for found in found {
                let directory = try AdapterHubDirectory(found)
                // Adapters that were trained alike have the same name; here every one needs its own.
                // Names become those of folders.
                var name = String(directory.name.map { Self.isPlain($0) ? $0 : "-" })
                if names.contains(name) { name += "-\(names.count + 1)" }
                try encoder.attach(directory, name: name)
                names.append(name)
            }
            try encoder.compose(.fusion(names, FusionConfiguration()), from: source)
        }
    }
}
