// What lies over the points: pictures, the area, the query with its answer, and the image under the pointer.

const PICTURE = 44; // pixels of a picture on the map
const QUERY = 60;
const MOST_PICTURES = 220;
const KEPT_PICTURES = 1500;

class Overlay {
  constructor(canvas, raster, redraw) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.raster = raster;
    this.redraw = redraw;
    this.pictures = new Map();
  }

  // `scene` is {window, ratio, radius, data, area, drawn, closed, hovered, ink, accent}.
  draw(scene) {
    Object.assign(this, scene);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.data.pictures) this.drawPictures();
    this.drawArea();
    this.drawQuery();
    if (this.hovered >= 0) this.ring(this.hovered, this.radius + 4 * this.ratio, this.ink, 2);
  }

  pixel([x, y]) {
    const { left, top, scale } = this.window;
    return [(x - left) * scale, (y - top) * scale];
  }

  at(i) {
    return this.pixel([this.raster.x[i], this.raster.y[i]]);
  }

  drawPictures() {
    const size = PICTURE * this.ratio;
    const placed = [];
    for (const i of this.raster.spread(this.window, 1.5 * size, MOST_PICTURES)) {
      const [x, y] = this.at(i);
      if (placed.some(([a, b]) => Math.abs(a - x) < size + 4 && Math.abs(b - y) < size + 4)) continue;
      placed.push([x, y]);
      this.thumbnail(i, size, this.color(i));
    }
  }

  // A picture with a frame, once it has arrived; says whether it has.
  thumbnail(i, size, color) {
    const image = this.picture(i);
    if (!image.complete || !image.naturalWidth) return false;
    const [x, y] = this.at(i);
    const shrink = size / Math.max(image.naturalWidth, image.naturalHeight);
    const [w, h] = [image.naturalWidth * shrink, image.naturalHeight * shrink];
    const frame = 2 * this.ratio;
    this.pen.fillStyle = color;
    this.pen.fillRect(x - w / 2 - frame, y - h / 2 - frame, w + 2 * frame, h + 2 * frame);
    this.pen.drawImage(image, x - w / 2, y - h / 2, w, h);
    return true;
  }

  picture(i) {
    const address = `${this.data.addresses.thumbnails}${i}.jpg`;
    const known = this.pictures.get(address);
    if (known) return known;
    const image = new Image();
    image.addEventListener("load", this.redraw);
    image.src = address;
    this.pictures.set(address, image);
    if (this.pictures.size > KEPT_PICTURES) this.pictures.delete(this.pictures.keys().next().value);
    return image;
  }

  color(i) {
    const value = this.raster.colors[i];
    return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
  }

  drawArea() {
    const { pen, ratio } = this;
    const corners = this.drawn ?? this.area;
    if (!corners?.length) return;
    pen.beginPath();
    for (const corner of corners) pen.lineTo(...this.pixel(corner));
    if (!this.drawn || this.closed) pen.closePath();
    pen.strokeStyle = pen.fillStyle = this.accent;
    pen.lineWidth = 2 * ratio;
    pen.globalAlpha = 0.1;
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([6 * ratio, 4 * ratio]);
    pen.stroke();
    pen.setLineDash([]);
  }

  // The image that is asked with, tied to its answer.
  drawQuery() {
    const { pen, ratio } = this;
    const { query, hits } = this.data;
    if (query === null || query >= this.raster.count) return;
    pen.strokeStyle = this.ink;
    pen.lineWidth = 1.5 * ratio;
    pen.globalAlpha = 0.7;
    pen.beginPath();
    for (const hit of hits) {
      pen.moveTo(...this.at(query));
      pen.lineTo(...this.at(hit));
    }
    pen.stroke();
    pen.globalAlpha = 1;
    for (const hit of hits) this.ring(hit, this.radius + 1.5 * ratio, this.ink, 1.5);
    if (!this.thumbnail(query, QUERY * ratio, this.accent)) this.ring(query, this.radius + 5 * ratio, this.accent, 3);
  }

  ring(i, radius, color, width) {
    this.pen.beginPath();
    this.pen.arc(...this.at(i), radius, 0, 2 * Math.PI);
    this.pen.strokeStyle = color;
    this.pen.lineWidth = width * this.ratio;
    this.pen.stroke();
  }
}
