/*
 * What posthog-js fetches from its api_host, when it is loaded without its extensions, to learn of exceptions that
 * nobody catches. It expects three functions in window.__PosthogExtensions__.errorWrappingFunctions; each begins to
 * listen, calls what it is given with the properties of an event, and returns how to stop. Shape and texts are those
 * of the SDK's own file, so that an exception is the same issue whoever noticed it. ES5, as the SDK still runs on it.
 */
(function (window) {
  'use strict';

  var MAX_EXCEPTIONS = 50; // of one event
  var MAX_FRAMES = 50; // of one exception, the innermost
  var MAX_LINES = 1000; // of a stack that are read
  var MAX_LINE = 1024; // characters; a longer line is a data: URL or worse
  var MAX_CYCLE = 10; // frames that call each other again and again are sent once
  var MAX_KEYS = 40; // characters of the names that describe a thrown object
  var UNKNOWN = '?';
  var APP_SCHEMES = ['http', 'https', 'file', 'blob', 'app', 'capacitor', 'ionic', 'webpack', 'webpack-internal', 'ng'];
  var LEVELS = ['fatal', 'error', 'warning', 'log', 'info', 'debug'];

  // ---- stacks

  function isApp(filename) {
    if (!filename || filename === '<anonymous>') return false;
    var scheme = /^([a-z][a-z0-9.+-]+):/i.exec(filename);
    return !scheme || APP_SCHEMES.indexOf(scheme[1].toLowerCase()) >= 0;
  }

  function frameOf(name, filename, line, column) {
    var frame = {
      platform: 'web:javascript',
      filename: filename,
      function: !name || name === '<anonymous>' ? UNKNOWN : name,
      in_app: isApp(filename)
    };
    if (line) frame.lineno = +line;
    if (column) frame.colno = +column;
    return frame;
  }

  // 'at name (place)', 'at place', 'at async place': Chromium and its kin.
  function ofChromium(line) {
    var found = /^\s*at (.*?)\s*$/.exec(line);
    if (!found) return null;
    var name = '', place = found[1], open = place.indexOf(' (');
    if (open >= 0 && place.charAt(place.length - 1) === ')') {
      name = place.slice(0, open);
      place = place.slice(open + 2, -1);
    }
    place = place.replace(/^async /, '');
    var evaluated = place.indexOf('eval') === 0 && /\((\S*):(\d+):(\d+)\)/.exec(place);
    var parts = evaluated || /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place);
    return frameOf(name, parts[1], parts[2], parts[3]);
  }

  // 'name@place', 'place': Firefox and Safari.
  function ofOthers(line) {
    var found = /^\s*(?:([^@]*)@)?((?:[-a-z]+:)?\/.*?|\[native code\]|[^@]*(?:bundle|\d+\.js))(?::(\d+))?(?::(\d+))?\s*$/i.exec(line);
    if (!found) return null;
    var evaluated = found[2].indexOf(' > eval') >= 0 && /(\S+) line (\d+)(?: > eval line \d+)* > eval/i.exec(found[2]);
    if (evaluated) return frameOf(found[1] || 'eval', evaluated[1], evaluated[2]);
    return frameOf(found[1], found[2], found[3], found[4]);
  }

  function isSame(a, b) {
    return a.filename === b.filename && a.function === b.function && a.lineno === b.lineno && a.colno === b.colno;
  }

  // Of frames that repeat those before them, forget the repetition: a recursion is as deep as the stack has room for.
  function dropRepetition(frames) {
    for (var length = 1; length <= MAX_CYCLE && 2 * length <= frames.length; length++) {
      var same = true;
      for (var i = frames.length - length; same && i < frames.length; i++) same = isSame(frames[i], frames[i - length]);
      if (same) {
        frames.length -= length;
        return;
      }
    }
  }

  // The frames of a stack's text, the innermost first.
  function parsed(stack, skipped) {
    var frames = [], lines = stack.split('\n'), end = Math.min(lines.length, skipped + MAX_LINES);
    for (var i = skipped; i < end && frames.length < MAX_FRAMES; i++) {
      var line = lines[i].replace(/\(error: (.*)\)/, '$1'); // as webpack wraps them
      if (lines[i].length > MAX_LINE || /\S*Error: /.test(line)) continue; // that is the message
      var frame = ofChromium(line) || ofOthers(line);
      if (frame) {
        frames.push(frame);
        dropRepetition(frames);
      }
    }
    return frames;
  }

  // File name to the chunk id that a build has put into the file: it left a stack's text that begins there.
  function chunkIds() {
    var found = {};
    [window._debugIds, window._posthogChunkIds].forEach(function (ids) {
      Object.keys(ids || {}).forEach(function (stack) {
        var frame = ids[stack] && parsed(stack, 0).filter(function (one) { return one.filename; })[0];
        if (frame) found[frame.filename] = ids[stack];
      });
    });
    return found;
  }

  // ---- what was thrown

  function kindOf(value) {
    return Object.prototype.toString.call(value).slice(8, -1);
  }

  function isError(value) {
    return value instanceof Error || ['Error', 'Exception', 'DOMException', 'WebAssembly.Exception'].indexOf(kindOf(value)) >= 0;
  }

  function isEvent(value) {
    return typeof Event !== 'undefined' && value instanceof Event;
  }

  function text(value) {
    return typeof value === 'string' && value ? value : undefined;
  }

  function keysOf(object) {
    var keys = Object.keys(object).sort(), shown = '';
    if (!keys.length) return '[object has no keys]';
    for (var i = 0; i < keys.length; i++) {
      var longer = shown ? shown + ', ' + keys[i] : keys[i];
      if (longer.length > MAX_KEYS) break;
      shown = longer;
    }
    return shown;
  }

  function ofText(message, stack) {
    var found = /^(?:[Uu]ncaught (?:exception: )?)?(?:((?:Eval|Internal|Range|Reference|Syntax|Type|URI|)Error): )?(.*)$/i.exec(message);
    return { type: (found && found[1]) || 'Error', value: found ? found[2] : message, stack: stack, synthetic: true };
  }

  function ofError(error, stack) {
    var own = text(error.stacktrace) || text(error.stack);
    if (kindOf(error) === 'DOMException') {
      var name = error.name || 'DOMException';
      var said = error.message ? name + ': ' + error.message : name;
      return { type: 'DOMException', value: said, stack: own, cause: error.cause, synthetic: false };
    }
    var message = error.message;
    if (message && message.error && typeof message.error.message === 'string') message = message.error.message;
    return {
      type: String(error.name || error.constructor.name),
      value: String(message),
      stack: own || stack,
      cause: error.cause,
      errors: Array.isArray(error.errors) ? error.errors : [],
      origin: error,
      synthetic: !own && !!stack
    };
  }

  function ofObject(object, stack) {
    for (var key in object) {
      if (Object.prototype.hasOwnProperty.call(object, key) && isError(object[key])) return ofError(object[key], stack);
    }
    var value;
    if (typeof object.name === 'string') {
      value = "'" + object.name + "' captured as exception";
      if (typeof object.message === 'string') value += " with message: '" + object.message + "'";
    } else if (typeof object.message === 'string') {
      value = object.message;
    } else {
      var maker = Object.getPrototypeOf(object), called = maker && maker.constructor && maker.constructor.name;
      value = (called && called !== 'Object' ? "'" + called + "'" : 'Object') + ' captured as exception with keys: ' + keysOf(object);
    }
    var own = text(object.stacktrace) || text(object.stack);
    return { type: text(object.name) || 'Error', value: value, stack: own || stack, synthetic: true };
  }

  function thrown(value, stack) {
    if (isError(value)) return ofError(value, stack);
    if (isEvent(value)) {
      var name = value.constructor.name;
      return { type: name, value: name + ' captured as exception with keys: ' + keysOf(value), stack: stack, synthetic: true };
    }
    if (typeof value === 'object' && value !== null) return ofObject(value, stack);
    if (typeof value === 'string') return ofText(value, stack);
    if (typeof value === 'function') return { type: 'Error', value: 'Unknown error', stack: stack, synthetic: true };
    return { type: 'Error', value: 'Primitive value captured as exception: ' + String(value), stack: stack, synthetic: true };
  }

  // Of window's 'error': without an Error, as for a script of another origin, there are a message and a place.
  function ofErrorEvent(event) {
    if (event.error !== null && event.error !== undefined) return thrown(event.error);
    var place = event.filename && event.lineno ? '\n    at ' + event.filename + ':' + event.lineno + ':' + event.colno : '';
    return ofText(String(event.message), place);
  }

  function ofRejection(event) {
    var reason = event.reason;
    if (reason === undefined && event.detail) reason = event.detail.reason; // as libraries of promises tell it
    if ((typeof reason === 'object' && reason !== null) || typeof reason === 'function') return thrown(reason);
    var value = 'Non-Error promise rejection captured with value: ' + String(reason);
    return { type: 'UnhandledRejection', value: value, synthetic: true };
  }

  // ---- the event

  function propertiesOf(first, mechanism, skipped) {
    var list = [], seen = [], chunks = chunkIds();

    function add(exception, parent, source) {
      var own = { type: parent === undefined ? mechanism.type : 'chained' };
      if (parent === undefined) own.handled = mechanism.handled;
      else own.source = source;
      own.synthetic = exception.synthetic;
      own.exception_id = list.length;
      if (parent !== undefined) own.parent_id = parent;
      var entry = { type: exception.type, value: exception.value, mechanism: own };
      if (exception.stack) {
        var frames = parsed(exception.stack, exception.synthetic ? skipped : 0).reverse();
        frames.forEach(function (frame) {
          if (chunks[frame.filename]) frame.chunk_id = chunks[frame.filename];
        });
        entry.stacktrace = { type: 'raw', frames: frames };
      }
      list.push(entry);
      if (exception.cause) follow(exception.cause, own.exception_id, 'cause');
      (exception.errors || []).forEach(function (one) { follow(one, own.exception_id, 'member'); });
    }

    function follow(value, parent, source) {
      if (list.length >= MAX_EXCEPTIONS || seen.indexOf(value) >= 0) return;
      if (typeof value === 'object') seen.push(value);
      add(thrown(value), parent, source);
    }

    if (first.origin) seen.push(first.origin);
    add(first);
    return { $exception_list: list, $exception_level: LEVELS.indexOf(first.level) >= 0 ? first.level : 'error' };
  }

  // Nothing here may ever throw into the page, nor report what reporting itself does.
  var busy = false;

  function report(capture, make, mechanism, skipped) {
    if (busy) return;
    busy = true;
    try {
      capture(propertiesOf(make(), mechanism, skipped));
    } catch (error) {
      // there is nobody to tell
    } finally {
      busy = false;
    }
  }

  function listen(kind, capture, make) {
    function heard(event) {
      report(capture, function () { return make(event); }, { type: 'generic', handled: false }, 1);
    }
    window.addEventListener(kind, heard);
    return function () { window.removeEventListener(kind, heard); };
  }

  function wrapConsoleError(capture) {
    var original = window.console.error;

    function error() {
      var said = Array.prototype.slice.call(arguments);
      if (!/^\[PostHog\.js\]( |$)/.test(String(said[0]))) {
        var stack = new Error('').stack;
        report(capture, function () {
          var found = said.filter(isError)[0];
          return thrown(found || (said.length === 1 ? said[0] : said.join(' ')), stack);
        }, { type: 'onconsole', handled: true }, /^Error/.test(stack || '') ? 2 : 1); // Firefox's begins with a frame
      }
      return original.apply(this, arguments);
    }

    window.console.error = error;
    return function () { if (window.console.error === error) window.console.error = original; };
  }

  var functions = {
    wrapOnError: function (capture) { return listen('error', capture, ofErrorEvent); },
    wrapUnhandledRejection: function (capture) { return listen('unhandledrejection', capture, ofRejection); },
    wrapConsoleError: wrapConsoleError
  };
  window.__PosthogExtensions__ = window.__PosthogExtensions__ || {};
  window.__PosthogExtensions__.errorWrappingFunctions = functions;
  window.posthogErrorWrappingFunctions = functions; // where old versions look
})(window);
