/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Without this script, an interval of the plot shows its values as a tooltip and links
 * to its row in the table. With it, they are shown at once, and an interval and its row
 * are highlighted together.
 */
"use strict";

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function place(x, y) {
	const room = document.documentElement.clientWidth;

	tip.style.left = Math.max(4, Math.min(x + 14, room - tip.offsetWidth - 8)) + window.scrollX + "px";
	tip.style.top = y + 18 + window.scrollY + "px";
}

for (const link of document.querySelectorAll(".plot a")) {
	const row = document.getElementById(link.getAttribute("href").slice(1));
	const title = link.querySelector("title");
	const text = title.textContent;

	/* otherwise, the browser would show it as well */
	title.remove();
	link.setAttribute("aria-label", text);

	const show = (x, y) => {
		tip.textContent = text;
		tip.hidden = false;
		place(x, y);
		row.classList.add("with");
	};
	const hide = () => {
		tip.hidden = true;
		row.classList.remove("with");
	};
	link.addEventListener("pointermove", (event) => show(event.clientX, event.clientY));
	link.addEventListener("pointerleave", hide);
	link.addEventListener("focus", () => {
		const box = link.getBoundingClientRect();

		show(box.left + box.width / 2, box.top + box.height / 2);
	});
	link.addEventListener("blur", hide);
	row.addEventListener("pointerenter", () => link.classList.add("with"));
	row.addEventListener("pointerleave", () => link.classList.remove("with"));
}
