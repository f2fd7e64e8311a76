// SPDX-License-Identifier: GPL-2.0-only
// Run at the end of a page of the verifier: puts into its title the colour behind its text and, after a semicolon, what
// is wrong with it.
{
	const plot = document.querySelector(".plot").getBoundingClientRect();
	const boxes = [...document.querySelectorAll(".plot text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
	const faults = [];
	boxes.forEach(([name, a], i) => {
		if (a.left < plot.left || a.right > plot.right || a.bottom > plot.bottom)
			faults.push(name + " is outside");
		for (const [other, b] of boxes.slice(i + 1))
			if (a.left < b.right - 1 && b.left < a.right - 1 && a.top + 3 < b.bottom && b.top + 3 < a.bottom)
				faults.push(name + " covers " + other);
	});
	if (document.documentElement.scrollWidth > innerWidth)
		faults.push("the page is wider than the window");
	document.querySelector(".plot a").dispatchEvent(new PointerEvent("pointermove", { clientX: 90, clientY: 500 }));
	const tip = document.querySelector(".tip");
	if (tip.hidden || !tip.textContent.includes("in the list") || !document.querySelector("tr.with"))
		faults.push("nothing is shown to the pointer");
	document.title = getComputedStyle(document.body).backgroundColor + ";" + faults.join(", ");
}
