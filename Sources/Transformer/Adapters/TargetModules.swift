import _StringProcessing

/// Which of an encoder's matrices an adapter is for, by the names of their modules.
///
/// Source: PEFT's `check_target_module_exists`, whose rules these are.
public struct TargetModules: Equatable, Sendable {
    public enum Selection: Equatable, Sendable {
        /// The family's usual ones.
        case usual
        /// All but the last of a head.
        case allLinear
        /// Modules with these names, or whose names end with a dot and one of them.
        case named([String])
        /// Modules whose whole name matches a regular expression.
        case matching(String)
    }

    public var selection = Selection.usual
    public var excluded: Selection?
    /// The layers alone whose numbers these are; `nil` for all.
    public var layers: [Int]?
    /// What stands before a layer's number in names; empty for anything.
    public var layerNames: [String] = []

    public init(_ selection: Selection = .usual) { self.selection = selection }

    /// - Parameters:
    ///   - usual: what `usual` stands for.
    ///   - saved: modules that learn as they are, and are adapted by nobody.
    func contains(_ module: String, usual: [String], saved: [String]) -> Bool {
        if let excluded, excluded.contains(module, usual: []) { return false }
        if Self.isSaved(module, saved) { return false }
        guard selection.contains(module, usual: usual) else { return false }
        if case .named(let names) = selection, names.contains(module) { return true }
        guard let layers else { return true }
        return layer(of: module).map(layers.contains) ?? false
    }

    /// Whether a module or a parameter is in one of those that learn as they are.
    static func isSaved(_ name: String, _ saved: [String]) -> Bool {
        let parts = name.split(separator: ".")
        return parts.indices.contains { end in
            let module = parts[...end].joined(separator: ".")
            return saved.contains { module.hasSuffix($0) }
        }
    }

    /// - Throws: `AdapterError.invalidPattern`
    func checkPatterns() throws(AdapterError) {
        for case .matching(let pattern) in [selection, excluded ?? .usual] {
            do { _ = try Regex(pattern) } catch { throw .invalidPattern(pattern) }
        }
    }

    /// The first number in a module's name that stands behind two names, or behind one of `layerNames`.
    private func layer(of module: String) -> Int? {
        let parts = module.split(separator: ".").map(String.init)
        for index in parts.indices.dropLast() where index >= (layerNames.isEmpty ? 2 : 1) {
            guard let number = Int(parts[index]), layerNames.isEmpty || layerNames.contains(parts[index - 1]) else {
                continue
            }
            return number
        }
        return nil
    }
}

extension TargetModules.Selection {
    func contains(_ module: String, usual: [String]) -> Bool {
        switch self {
        case .usual: TargetModules.Selection.named(usual).contains(module, usual: [])
        case .allLinear: true
        case .named(let names): names.contains { module == $0 || module.hasSuffix("." + $0) }
        case .matching(let pattern): (try? Regex(pattern).wholeMatch(in: module)) != nil
        }
    }
}

/// A value for modules whose names end with what matches a regular expression.
public struct ModulePattern<Value: Equatable & Sendable>: Equatable, Sendable {
    public var pattern: String
    public var value: Value

    public init(_ pattern: String, _ value: Value) {
        self.pattern = pattern
        self.value = value
    }

    func matches(_ module: String) -> Bool {
        (try? Regex("(?:.*\\.)?(?:" + pattern + ")").wholeMatch(in: module)) != nil
    }
}

extension EncoderArchitecture {
    /// What LoRA updates by default: queries and values, or the matrix that holds them.
    ///
    /// Source: Hu et al. 2022, "LoRA", §4.2; PEFT's table for the families that it has.
    public var usualLoRATargets: [String] {
        names.fusedProjections.map { [last(of: $0)] } ?? [last(of: names.query), last(of: names.value)]
    }

    /// What IA3 scales by default: keys, values, and the rows between the products behind attention.
    ///
    /// Source: Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning",
    /// §3.3; PEFT's table for the families that it has.
    public var usualIA3Targets: [String] {
        (names.fusedProjections.map { [last(of: $0)] } ?? [last(of: names.key), last(of: names.value)])
            + (modelType == "mt5" ? ["wi_1"] : [names.output])
    }

    /// Those whose inputs are scaled.
    public var usualIA3FeedForward: [String] { modelType == "mt5" ? [] : [names.output] }

    private func last(of name: String) -> String { name.split(separator: ".").last.map(String.init) ?? name }
}
