/// The sizes of a graph of approximate search.
public struct HNSWSettings: Equatable, Sendable {
    /// Links of a vector on the upper layers; twice as many on the lowest.
    public var m: Int
    /// Candidates that are kept while a vector's neighbours are looked for.
    public var efConstruction: Int

    public init(m: Int = 16, efConstruction: Int = 200) {
        self.m = m
        self.efConstruction = efConstruction
    }

    public static let mRange = 2...256
    public static let efRange = 1...10_000

    /// Links of a vector on a layer.
    func capacity(_ layer: Int) -> Int { layer == 0 ? 2 * m : m }
}
