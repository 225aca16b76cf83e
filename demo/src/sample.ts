// Sample: the picture that Picture mode opens with, drawn rather than shipped. It
// has what filters show best: soft and hard edges, texture, thin lines.

export function samplePicture(): ImageData {
  const width = 512;
  const height = 384;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  const sky = pen.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, "#8a8a8a");
  sky.addColorStop(1, "#e6e6e6");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, width, height);
  const sun = pen.createRadialGradient(372, 110, 30, 372, 110, 90);
  sun.addColorStop(0, "#ffffff");
  sun.addColorStop(0.35, "#f4f4f4");
  sun.addColorStop(1, "rgb(255 255 255 / 0)");
  pen.fillStyle = sun;
  pen.fillRect(260, 0, 252, 260);
  const ridge = (base: number, rise: number, step: number, shade: string): void => {
    pen.fillStyle = shade;
    pen.beginPath();
    pen.moveTo(0, height);
    for (let x = 0; x <= width; x += 4) {
      const y = base - rise * Math.abs(Math.sin(x / step) + 0.5 * Math.sin((x * 2.7) / step));
      pen.lineTo(x, y);
    }
    pen.lineTo(width, height);
    pen.fill();
  };
  ridge(250, 70, 90, "#9c9c9c");
  ridge(300, 56, 60, "#6b6b6b");
  ridge(352, 34, 38, "#3d3d3d");
  pen.fillStyle = "#1e1e1e";
  for (let x = 40; x < 220; x += 44) {
    pen.fillRect(x, 236 + ((x * 7) % 30), 30, 130);
    pen.fillStyle = "#f0f0f0";
    for (let y = 250 + ((x * 7) % 30); y < 340; y += 18) {
      for (let window = 0; window < 2; ++window) pen.fillRect(x + 6 + 11 * window, y, 6, 9);
    }
    pen.fillStyle = "#1e1e1e";
  }
  pen.strokeStyle = "#202020";
  pen.lineWidth = 1.5;
  for (let line = 0; line < 3; ++line) {
    pen.beginPath();
    pen.moveTo(0, 60 + 16 * line);
    pen.quadraticCurveTo(180, 130 + 10 * line, 512, 44 + 14 * line);
    pen.stroke();
  }
  return pen.getImageData(0, 0, width, height);
}
