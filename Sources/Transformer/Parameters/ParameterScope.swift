public import Checkpoints
import SystemPackage
public import Tensors

/// Where a model under construction gets its parameters from: a checkpoint, a random source, or both.
///
/// Each parameter is asked for once, by its published name. At the end `checkAllUsed` says what nobody asked for.
public final class ParameterSource {
    /// What is done about a parameter that the checkpoint does not have.
    public enum Absence: Sendable {
        case isError
        case initializes
    }

    public private(set) var parameters: [Parameter] = []
    /// Names of the parameters that the checkpoint lacked and that were initialized.
    public private(set) var initialized: [String] = []
    private let checkpoint: (any TensorArchive)?
    private let spellings: CheckpointSpellings
    let random: RandomSource
    private var used: Set<String> = []

    /// - Parameter checkpoint: `nil` initializes everything.
    public init(
        _ checkpoint: (any TensorArchive)?, spellings: CheckpointSpellings = CheckpointSpellings(), random: RandomSource
    ) {
        self.checkpoint = checkpoint
        self.spellings = spellings
        self.random = random
    }

    public var root: ParameterScope { ParameterScope(source: self, path: "", absence: .isError) }

    fileprivate func parameter(
        _ name: String, _ shape: Shape, _ initializer: ParameterInitializer, _ absence: Absence
    ) throws(CheckpointError) -> Parameter {
        let parameter: Parameter
        if let loaded = try load(name, shape) {
            parameter = Parameter(name, loaded)
        } else {
            parameter = Parameter(
                name, StoredTensor(try initialize(name, shape, initializer, absence)), isNew: true)
        }
        parameters.append(parameter)
        return parameter
    }

    /// Declares a parameter under its full name, which is initialized where there is no checkpoint.
    func declare(
        _ name: String, _ shape: Shape, _ initializer: ParameterInitializer
    ) throws(CheckpointError) -> Parameter {
        try parameter(name, shape, initializer, .isError)
    }

    fileprivate func optional(_ name: String, _ shape: Shape) throws(CheckpointError) -> Parameter? {
        guard let value = try load(name, shape) else { return nil }
        let parameter = Parameter(name, value)
        parameters.append(parameter)
        return parameter
    }

    private func load(_ name: String, _ shape: Shape) throws(CheckpointError) -> StoredTensor? {
        guard let checkpoint else { return nil }
        for spelling in spellings.alternatives(to: name) {
            guard let entry = checkpoint[spelling] else { continue }
            guard entry.shape == shape else {
                throw .shapeMismatch(checkpoint.path, name: spelling, found: entry.shape, expected: shape)
            }
            used.insert(spelling)
            // Matrices stay where they are until somebody wants to change them; the rest is small.
            let stored = try checkpoint.stored(entry)
            let value = shape.count == shape.columns ? StoredTensor(stored.tensor) : stored
            // One step of a training run that went wrong reaches every bias; a matrix in place is not read for this, but by
            // `checkFinite`.
            if value.isTensor, !value.tensor.isFinite { throw .notFinite(checkpoint.path, name: spelling) }
            return value
        }
        return nil
    }

    /// Checks every value that the checkpoint supplied, before a training that could learn nothing from others. Reads all
    /// of them once.
    ///
    /// - Throws: `notFinite` with the name in the file.
    public func checkFinite() throws(CheckpointError) {
        guard let checkpoint else { return }
        for parameter in parameters where !parameter.isNew && !parameter.stored.isFinite {
            let name = spellings.alternatives(to: parameter.name).first { checkpoint[$0] != nil }
            throw .notFinite(checkpoint.path, name: name ?? parameter.name)
        }
    }

    private func initialize(
        _ name: String, _ shape: Shape, _ initializer: ParameterInitializer, _ absence: Absence
    ) throws(CheckpointError) -> Tensor {
        if let checkpoint, absence == .isError { throw .missingTensor(checkpoint.path, name: name) }
        initialized.append(name)
        return initializer.tensor(shape, random)
    }

    /// Checks that every tensor of the checkpoint was asked for.
    ///
    /// - Parameter isIgnored: the names that may be left over, such as those of another head.
    public func checkAllUsed(except isIgnored: (String) -> Bool) throws(CheckpointError) {
        guard let checkpoint else { return }
        let unused = checkpoint.entries.map(\.name).filter { !used.contains($0) && !isIgnored($0) }
        if !unused.isEmpty { throw .unusedTensors(checkpoint.path, names: unused) }
    }
}

/// How other publishers spell a parameter's name.
public struct CheckpointSpellings: Equatable, Sendable {
    /// What other publishers write in place of a part of our names.
    public struct Other: Equatable, Sendable {
        public var ours: String
        public var theirs: String

        public init(_ ours: String, _ theirs: String) {
            self.ours = ours
            self.theirs = theirs
        }
    }

    /// A prefix of our names, such as `bert.`, that some checkpoints leave out.
    public var optionalPrefix: String
    /// What some write in place of that prefix.
    public var otherPrefixes: [String]
    /// Endings and what older checkpoints write instead.
    public var endings: [Other]
    /// Parts of names and what others write instead, such as the name of an adapter.
    public var parts: [Other] = []

    public init(optionalPrefix: String = "", otherPrefixes: [String] = [], endings: [Other] = []) {
        self.optionalPrefix = optionalPrefix
        self.otherPrefixes = otherPrefixes
        self.endings = endings
    }

    /// The names of a normalization's parameters in checkpoints of the TensorFlow release.
    public static let gammaAndBeta = [
        Other("LayerNorm.weight", "LayerNorm.gamma"), Other("LayerNorm.bias", "LayerNorm.beta"),
    ]

    /// Our name of a parameter that another publisher may have spelled. A prefix that is left out stays so.
    func ours(_ name: String) -> String {
        var name = name
        if let prefix = otherPrefixes.first(where: name.hasPrefix) {
            name = optionalPrefix + name.dropFirst(prefix.count)
        }
        if let ending = endings.first(where: { name.hasSuffix($0.theirs) }) {
            name = name.dropLast(ending.theirs.count) + ending.ours
        }
        return name
    }

    func alternatives(to name: String) -> [String] {
        var names = [name]
        if !optionalPrefix.isEmpty, name.hasPrefix(optionalPrefix) {
            names += ([""] + otherPrefixes).map { $0 + name.dropFirst(optionalPrefix.count) }
        }
        for ending in endings where name.hasSuffix(ending.ours) {
            names += names.map { String($0.dropLast(ending.ours.count)) + ending.theirs }
        }
        for part in parts where name.contains(part.ours) {
            names += names.map { $0.replacing(part.ours, with: part.theirs) }
        }
        return names
    }
}

/// How a parameter starts that no checkpoint supplies.
public enum ParameterInitializer: Sendable {
    case zeros
    case ones
    case normal(standardDeviation: Float)
    /// Normal, without what is farther away than two deviations.
    case truncatedNormal(standardDeviation: Float)
    /// In `-bound..<bound`.
    case uniform(bound: Float)
    case value(Tensor)

    func tensor(_ shape: Shape, _ random: RandomSource) -> Tensor {
        switch self {
        case .zeros: .zeros(shape)
        case .ones: Tensor(repeating: 1, shape)
        case .normal(let deviation): random.normalTensor(shape, standardDeviation: deviation)
        case .truncatedNormal(let deviation):
            Tensor(shape, (0..<shape.count).map { _ in random.normal(within: 2) * deviation })
        case .uniform(let bound):
            Tensor(shape, (0..<shape.count).map { _ in (2 * random.uniform() - 1) * bound })
        case .value(let value): value
        }
    }
}

/// A place in a model's tree of names: `scope["attention"]["self"]["query"]`.
public struct ParameterScope {
    let source: ParameterSource
    let path: String
    let absence: ParameterSource.Absence

    public subscript(_ component: String) -> ParameterScope {
        ParameterScope(source: source, path: joined(component), absence: absence)
    }

    /// The same place, where a parameter that the checkpoint lacks is initialized.
    public var initializing: ParameterScope { ParameterScope(source: source, path: path, absence: .initializes) }

    /// Declares a parameter: checks its shape, loads or initializes it, and registers it.
    public func parameter(
        _ name: String, _ shape: Shape, _ initializer: ParameterInitializer
    ) throws(CheckpointError) -> Parameter {
        try source.parameter(joined(name), shape, initializer, absence)
    }

    /// A parameter that checkpoints may lack: `nil` where this one does, and where there is none.
    public func optional(_ name: String, _ shape: Shape) throws(CheckpointError) -> Parameter? {
        try source.optional(joined(name), shape)
    }

    private func joined(_ component: String) -> String { path.isEmpty ? component : path + "." + component }
}
