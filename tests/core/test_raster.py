"""The rasteriser draws planes exactly and the nearest surface last."""

import numpy as np

from unveilify.core.raster import grid_triangles, hits, raster


def test_a_plane_is_interpolated_exactly_and_without_gaps() -> None:
    y, x = np.mgrid[2:50:9j, 3:61:7j]
    vertices = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    values = np.stack([2 * x + y, 5 - y], -1).reshape(-1, 2)
    maps, seen = raster(vertices, grid_triangles(9, 7), values, (64, 64))
    assert seen[2:51, 3:62].all()
    assert seen.sum() == 49 * 59
    v, u = np.mgrid[0:64, 0:64]
    assert np.abs(maps[..., 0] - (2 * u + v))[seen].max() < 1e-2
    assert np.abs(maps[..., 1] - (5 - v))[seen].max() < 1e-2


def test_the_nearest_fold_wins_and_backs_are_not_drawn() -> None:
    # a strip that runs right, folds back behind itself and runs right again, farther away
    x = np.array([0.0, 30, 10, 40])
    vertices = np.array([[a, b, d] for b in (0.0, 20.0) for a, d in zip(x, (5.0, 5, 1, 1), strict=True)])
    values = np.array([[a] for _ in range(2) for a in (1.0, 1, 2, 2)])
    maps, seen = raster(vertices, grid_triangles(2, 4), values, (21, 41))
    assert seen.all()
    assert (maps[5, 2:29, 0] == 1).all()
    assert (maps[5, 32:, 0] == 2).all()


def test_outside_of_the_picture_nothing_happens() -> None:
    vertices = np.array([[-50.0, -50, 0], [-10, -50, 0], [-50, -10, 0]])
    _, seen = raster(vertices, np.array([[0, 1, 2]]), np.ones((3, 1)), (20, 20))
    assert not seen.any()
    vertices = np.array([[-500.0, -500, 0], [900, -500, 0], [-500, 900, 0]])
    maps, seen = raster(vertices, np.array([[0, 1, 2]]), np.ones((3, 1)), (20, 20))
    assert seen.all()
    assert np.allclose(maps, 1, atol=1e-3)


def test_one_hit_is_left_per_pixel_and_it_is_the_one_that_is_drawn() -> None:
    rng = np.random.default_rng(0)
    vertices = rng.uniform(0, 40, (60, 3))
    triangles, values = np.arange(60).reshape(20, 3), rng.normal(size=(60, 2))
    every = hits(vertices, triangles, (40, 40), backs=True)
    last = every.last((40, 40))
    assert len(every.pixel) > len(last.pixel) == len(np.unique(every.pixel))
    maps, seen = raster(vertices, triangles, values, (40, 40), backs=True)
    assert seen.sum() == len(last.pixel)
    assert np.allclose(maps.reshape(-1, 2)[last.pixel], last.blend(values))


def test_every_pixel_whose_weights_are_not_negative_is_hit_and_no_other() -> None:
    """Against the definition, of all sizes, slivers and triangles half outside: no row of a triangle is cut too short."""
    rng = np.random.default_rng(1)
    middle, size = rng.uniform(-5, 45, (400, 1, 2)), np.exp(rng.uniform(-2, 4, (400, 1, 1)))
    corners = middle + size * rng.normal(size=(400, 3, 2)) * np.exp(rng.uniform(-4, 0, (400, 1, 2)))
    y, x = np.mgrid[0:40, 0:40]
    for a, b, c in corners:
        area = np.linalg.det(np.stack([b - a, c - a]))
        if abs(area) < 1e-3:
            continue
        second = ((x - a[0]) * (c - a)[1] - (y - a[1]) * (c - a)[0]) / area
        third = ((y - a[1]) * (b - a)[0] - (x - a[0]) * (b - a)[1]) / area
        least = np.minimum(np.minimum(second, third), 1 - second - third).ravel()
        vertices = np.column_stack([[a, b, c], np.zeros(3)])
        found = hits(vertices, np.array([[0, 1, 2]]), (40, 40), backs=True)
        hit = np.zeros(1600, bool)
        hit[found.pixel] = True
        unsure = np.abs(least + 1e-4) < 1e-4 + 1e-5 * np.abs([second, third]).max()
        assert (hit == (least >= -1e-4))[~unsure].all()


def test_several_pictures_are_drawn_as_each_alone() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:30:6j, 0:30:7j]
    flat = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    vertices = flat + rng.normal(0, 6, (3, *flat.shape))
    values = rng.normal(size=(3, len(flat), 2))
    maps, seen = raster(vertices, grid_triangles(6, 7), values, (32, 28))
    for i in range(3):
        alone, there = raster(vertices[i], grid_triangles(6, 7), values[i], (32, 28))
        assert np.array_equal(maps[i], alone)
        assert np.array_equal(seen[i], there)
    nothing, _ = raster(vertices[:0], grid_triangles(6, 7), values[:0], (32, 28))
    assert nothing.shape == (0, 32, 28, 2)
