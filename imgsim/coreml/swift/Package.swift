// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "ImageSimilarity",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "ImageSimilarity", targets: ["ImageSimilarity"])],
    targets: [
        .target(name: "ImageSimilarity"),
        .testTarget(name: "ImageSimilarityTests", dependencies: ["ImageSimilarity"]),
    ]
)
