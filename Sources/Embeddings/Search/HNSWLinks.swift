import Checkpoints

/// The links of a graph: for every node, and each layer it is on, its neighbours.
///
/// A node's links are a block of integers: how many there are, and as many places as its layer has. Blocks of the lowest
/// layer lie one behind the other; those of the others, for nodes that are on them, behind.
struct HNSWLinks: Sendable {
    let settings: HNSWSettings
    private(set) var levels: [UInt8] = []
    /// The first block on the upper layers of a node; -1 for none.
    private var upperStart: [Int32] = []
    private var base: [Int32] = []
    private var upper: [Int32] = []
    private(set) var entry: Int32 = -1

    init(_ settings: HNSWSettings) { self.settings = settings }

    var count: Int { levels.count }
    var topLevel: Int { entry < 0 ? -1 : Int(levels[Int(entry)]) }

    /// Adds a node without links.
    mutating func append(level: Int) {
        let node = Int32(count)
        levels.append(UInt8(level))
        base.append(contentsOf: repeatElement(0, count: 1 + settings.capacity(0)))
        upperStart.append(level == 0 ? -1 : Int32(upper.count / (1 + settings.m)))
        upper.append(contentsOf: repeatElement(0, count: level * (1 + settings.m)))
        if entry < 0 || level > topLevel { entry = node }
    }

    private func start(_ node: Int32, _ layer: Int) -> Int {
        layer == 0 ? Int(node) * (1 + 2 * settings.m) : (Int(upperStart[Int(node)]) + layer - 1) * (1 + settings.m)
    }

    mutating func set(_ neighbours: [Int32], of node: Int32, layer: Int) {
        precondition(neighbours.count <= settings.capacity(layer), "\(neighbours.count) links on layer \(layer)")
        let start = start(node, layer)
        if layer == 0 {
            base[start] = Int32(neighbours.count)
            for (place, neighbour) in neighbours.enumerated() { base[start + 1 + place] = neighbour }
        } else {
            upper[start] = Int32(neighbours.count)
            for (place, neighbour) in neighbours.enumerated() { upper[start + 1 + place] = neighbour }
        }
    }

    /// Calls `body` with every neighbour of a node.
    @inline(__always)
    func forEachNeighbour(of node: Int32, layer: Int, _ body: (Int32) -> Void) {
        let start = start(node, layer)
        if layer == 0 {
            for i in start + 1..<start + 1 + Int(base[start]) { body(base[i]) }
        } else {
            for i in start + 1..<start + 1 + Int(upper[start]) { body(upper[i]) }
        }
    }

    func neighbours(of node: Int32, layer: Int) -> [Int32] {
        var result: [Int32] = []
        forEachNeighbour(of: node, layer: layer) { result.append($0) }
        return result
    }
}

// MARK: File

extension HNSWLinks {
    private static let magic: [UInt8] = Array("GRAFTHNS".utf8)
    private static let headerSize = 64

    func write(to file: AtomicFile) throws(CheckpointError) {
        var header: [Int32] = [1, Int32(settings.m), Int32(settings.efConstruction), Int32(count), entry]
        header.append(Int32(upper.count / (1 + settings.m)))
        header += [Int32](repeating: 0, count: (Self.headerSize - Self.magic.count) / 4 - header.count)
        try file.write(Self.magic)
        try file.write(integers: header)
        try file.write(integers: base)
        try file.write(integers: upperStart)
        try file.write(integers: upper)
        try file.write(levels)
    }

    /// Reads a graph, and checks that every link leads to a node of its layer.
    init(_ file: MappedFile, count: Int, settings: HNSWSettings) throws(SearchError) {
        func damaged(_ what: String) -> SearchError { .damaged(file.path, what) }
        guard file.count >= Self.headerSize, file.bytes(0..<8) == Self.magic else { throw damaged("it is no graph") }
        func header(_ index: Int) -> Int { Int(file.integer(at: 8 + 4 * index, as: Int32.self)) }
        let blocks = header(5)
        guard header(0) == 1, header(1) == settings.m, HNSWSettings.mRange.contains(settings.m), header(3) == count,
            blocks >= 0, blocks <= 64 * count
        else { throw damaged("its header is not that of this index") }
        let (baseSize, upperSize) = (count * (1 + 2 * settings.m), blocks * (1 + settings.m))
        let expected = Self.headerSize + 4 * (baseSize + count + upperSize) + count
        guard file.count == expected else { throw .indexFile(file.path, found: file.count, expected: expected) }
        self.settings = settings
        entry = Int32(header(4))
        var offset = Self.headerSize
        base = file.integers(baseSize, at: &offset)
        upperStart = file.integers(count, at: &offset)
        upper = file.integers(upperSize, at: &offset)
        levels = file.bytes(offset..<offset + count)
        guard count == 0 || 0..<Int32(count) ~= entry else { throw damaged("it has no beginning") }
        if !isSound(blocks: blocks) { throw damaged("a link leads nowhere") }
    }

    private func isSound(blocks: Int) -> Bool {
        for node in 0..<Int32(count) {
            let level = Int(levels[Int(node)])
            let first = Int(upperStart[Int(node)])
            if level > 0, first < 0 || first + level > blocks { return false }
            if level > topLevel { return false }
            for layer in 0...level {
                let start = start(node, layer)
                let links = layer == 0 ? base[start] : upper[start]
                guard 0...settings.capacity(layer) ~= Int(links) else { return false }
                var isSound = true
                forEachNeighbour(of: node, layer: layer) { other in
                    if !(0..<Int32(count) ~= other) || Int(levels[Int(other)]) < layer { isSound = false }
                }
                if !isSound { return false }
            }
        }
        return true
    }
}
